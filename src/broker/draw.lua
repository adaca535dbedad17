-- Draws the price of some calls from several budgets at once, or nothing from any of them.
--
-- KEYS      for each budget: its ledger (a hash from second to the units drawn in it, and under `sum` what they come to), its
--           throttle (the time, in milliseconds since 1970, until which the provider wants to be left alone), and its days (a
--           hash from day to the units drawn in it, which is only told)
-- ARGV[1]   the price of a call
-- ARGV[2]   how many calls are wanted at least, and
-- ARGV[3]   at most
-- ARGV[4]   the window, in seconds
-- ARGV[5..] for each budget: the units its window allows, at least the price of the calls wanted at least
-- Returns how many calls are paid, or else, as a negative number, how many milliseconds to wait.
-- `now_ms` is set by the lines before this file.

local price, least, most, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local second = math.floor(now_ms / 1000)
local wait_ms, calls = 0, most

-- Takes what has left the window out of a ledger; gives the seconds that stay, the units drawn in each, and the sum.
local function count(key)
  local ledger = redis.call('HGETALL', key)
  local seconds, drawn, total = {}, {}, 0
  for j = 1, #ledger, 2 do
    local at = tonumber(ledger[j])
    -- Units drawn "in second s" may have been drawn at its very end, so a second counts for one second longer than the
    -- window is. That keeps every window, wherever it begins, within the budget.
    if at and at < second - window then
      redis.call('HDEL', key, ledger[j])
    elseif at then
      table.insert(seconds, at)
      drawn[at] = tonumber(ledger[j + 1])
      total = total + drawn[at]
    end
  end
  redis.call('HSET', key, 'sum', total)
  return seconds, drawn, total
end

for i = 1, #KEYS, 3 do
  local budget = tonumber(ARGV[4 + (i + 2) / 3])
  wait_ms = math.max(wait_ms, tonumber(redis.call('GET', KEYS[i + 1]) or 0) - now_ms)

  -- The sum may have in it what has left the window. That matters when it reaches the budget; and a ledger may not grow for ever.
  local total = tonumber(redis.call('HGET', KEYS[i], 'sum') or budget)
  if total + price * most > budget or redis.call('HLEN', KEYS[i]) > 2 * window then
    local seconds, drawn
    seconds, drawn, total = count(KEYS[i])
    calls = math.min(calls, math.floor((budget - total) / price))

    -- Let the oldest seconds leave until there is room, and wait for the last of those.
    table.sort(seconds)
    local oldest = 1
    while total + price * least > budget do
      local at = seconds[oldest]
      total = total - drawn[at]
      wait_ms = math.max(wait_ms, (at + window + 1) * 1000 - now_ms)
      oldest = oldest + 1
    end
  end
end

if wait_ms > 0 then
  return -wait_ms
end
local units = price * calls
for i = 1, #KEYS, 3 do
  redis.call('HINCRBY', KEYS[i], 'sum', units)
  -- What is first in its second or its day comes to what was drawn just now.
  if redis.call('HINCRBY', KEYS[i], second, units) == units then
    redis.call('EXPIRE', KEYS[i], window + 1)
  end

  local day = math.floor(second / 86400)
  if redis.call('HINCRBY', KEYS[i + 2], day, units) == units then
    -- The days before are left behind.
    redis.call('DEL', KEYS[i + 2])
    redis.call('HSET', KEYS[i + 2], day, units)
    redis.call('EXPIRE', KEYS[i + 2], 86400)
  end
end
return calls

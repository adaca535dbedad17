-- Tells breakers how some calls went.
--
-- KEYS     the breakers, and last the set of those that are not closed
-- ARGV[1]  who made the calls
-- ARGV[2]  how many calls, at least one, and
-- ARGV[3]  how many of them failed
-- ARGV[4]  how long a call counts, in seconds
-- ARGV[5]  how many calls must count before a breaker opens, and
-- ARGV[6]  how many per cent of them must have failed
-- ARGV[7]  how long it then stays open, in milliseconds
-- ARGV[8]  how long an open breaker that nobody probes is remembered after that, in milliseconds
-- Returns 0 when none is open, else how many milliseconds until all may be probed.
-- `now_ms` is set by the lines before this file.

local calls, failed, window = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local opened_until_ms, forgotten_ms = now_ms + tonumber(ARGV[7]), now_ms + tonumber(ARGV[7]) + tonumber(ARGV[8])
local second, not_closed, wait_ms = math.floor(now_ms / 1000), KEYS[#KEYS], 0

local function open(key)
  redis.call('DEL', key)
  redis.call('HSET', key, 'until_ms', opened_until_ms)
  redis.call('PEXPIREAT', key, forgotten_ms)
  redis.call('ZADD', not_closed, forgotten_ms, key)
  redis.call('ZREMRANGEBYSCORE', not_closed, '-inf', now_ms)
  redis.call('PEXPIREAT', not_closed, forgotten_ms)
  wait_ms = opened_until_ms - now_ms
end

local function count(key)
  local n_calls, n_failed = calls, failed
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    local what, at = string.match(fields[i], '^(%a)(%d+)$')
    if tonumber(at) <= second - window then
      redis.call('HDEL', key, fields[i])
    elseif what == 'c' then
      n_calls = n_calls + tonumber(fields[i + 1])
    else
      n_failed = n_failed + tonumber(fields[i + 1])
    end
  end
  if n_calls >= tonumber(ARGV[5]) and n_failed * 100 >= n_calls * tonumber(ARGV[6]) then
    open(key)
    return
  end
  redis.call('HINCRBY', key, 'c' .. second, calls)
  redis.call('HINCRBY', key, 'f' .. second, failed)
  redis.call('EXPIRE', key, window + 1)
end

for i = 1, #KEYS - 1 do
  local state = redis.call('HMGET', KEYS[i], 'until_ms', 'prober', 'on_trial')
  local until_ms = tonumber(state[1] or 0)
  if until_ms == 0 and state[3] and failed > 1 and failed * 100 >= calls * tonumber(ARGV[6]) then
    -- The probe was answered, and nothing else is: what opened it is not over.
    open(KEYS[i])
  elseif until_ms == 0 then
    redis.call('HDEL', KEYS[i], 'on_trial')
    count(KEYS[i])
  elseif until_ms > now_ms then
    -- These calls were on their way when it opened: what they say is known.
    wait_ms = math.max(wait_ms, until_ms - now_ms)
  elseif state[2] == ARGV[1] and failed > 0 then
    open(KEYS[i])
  elseif state[2] == ARGV[1] then
    redis.call('DEL', KEYS[i])
    redis.call('ZREM', not_closed, KEYS[i])
    redis.call('HSET', KEYS[i], 'on_trial', 1)
    redis.call('PEXPIREAT', KEYS[i], forgotten_ms)
  end
end
return wait_ms

-- Asks breakers whether a call may be made now.
--
-- KEYS     the breakers; breaker.rs says what a breaker's hash holds
-- ARGV[1]  who asks
-- ARGV[2]  how long a probe is waited for, in milliseconds
-- ARGV[3]  how long to stay away at most while another one probes, in milliseconds
-- Returns 0 when all are closed, -1 when the call is a probe, else how many milliseconds to wait.
-- `now_ms` is set by the lines before this file.

local wait_ms, half_open = 0, {}
for i = 1, #KEYS do
  local state = redis.call('HMGET', KEYS[i], 'until_ms', 'prober', 'probe_until_ms')
  local until_ms, probe_until_ms = tonumber(state[1] or 0), tonumber(state[3] or 0)
  if until_ms > now_ms then
    wait_ms = math.max(wait_ms, until_ms - now_ms)
  elseif probe_until_ms > now_ms and state[2] ~= ARGV[1] then
    wait_ms = math.max(wait_ms, math.min(probe_until_ms - now_ms, tonumber(ARGV[3])))
  elseif until_ms > 0 then
    table.insert(half_open, KEYS[i])
  end
end
if wait_ms > 0 then
  return wait_ms
end

-- The probe is lent, not given: should its worker die, the next one who asks after this time probes.
for _, key in ipairs(half_open) do
  redis.call('HSET', key, 'prober', ARGV[1], 'probe_until_ms', now_ms + tonumber(ARGV[2]))
end
return #half_open > 0 and -1 or 0

-- Takes a lock, or tells why not.
-- KEYS: the lock, its memory, the mark that says that this acquisition was taken back
-- ARGV: this acquisition as `holder:uuid`, lease in us, fire time in us or '', how long to remember it in ms
-- Answers: the verdict, the clock in us, the value that is in the way or was written, and the lock's last ms
local now = clock()
local fire_time = tonumber(ARGV[3])
if fire_time and fire_time > now then
    return {'early', integer(now), '', -2}
end

local held = redis.call('GET', KEYS[1])
local token, at, value
if fire_time or not held then
    token, at, value = unpack(redis.call('HMGET', KEYS[2], 'token', 'at', 'value'))
end
-- Not `>=`, which would be false for what is no number.
local ran = fire_time and at and not (tonumber(at) < fire_time)
if held then
    return {ran and 'ran' or 'held', integer(now), held, last_ms(KEYS[1], now)}
end
-- A driver may send a command twice, and a network may deliver it late.
if value and ends_with(value, ARGV[1]) or redis.call('EXISTS', KEYS[3]) == 1 then
    return {'spent', integer(now), '', -2}
end
if ran then
    return {'ran', integer(now), value, -2}
end

local locked_at = math.max(fire_time or now, (token or 0) + 1)
local mine = 'ADDED:' .. iso(locked_at) .. '@' .. ARGV[1]
redis.call('HSET', KEYS[2], 'token', integer(locked_at), 'at', integer(fire_time or locked_at), 'value', mine,
    'before_at', at or '', 'before_value', value or '')
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[4]) then
    redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
redis.call('SET', KEYS[1], mine)
return {'acquired', integer(now), mine, free_at(KEYS[1], now + ARGV[2], now)}

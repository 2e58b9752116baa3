-- Undoes an acquisition that nobody has got, or forbids it if it has not come yet.
-- KEYS: as in acquire.lua
-- ARGV: the acquisition as `holder:uuid`, for how many ms it may still come
local held = redis.call('GET', KEYS[1])
if held and ends_with(held, ARGV[1]) then
    redis.call('DEL', KEYS[1])
end
local value, before_at, before_value = unpack(redis.call('HMGET', KEYS[2], 'value', 'before_at', 'before_value'))
if value and ends_with(value, ARGV[1]) then
    -- Nobody ran: its fire time is free again. The token stays, as others may have seen it.
    if before_at == '' then
        redis.call('HDEL', KEYS[2], 'at', 'value')
    else
        redis.call('HSET', KEYS[2], 'at', before_at, 'value', before_value)
    end
else
    redis.call('SET', KEYS[3], '', 'PX', ARGV[2])
end
return 'taken back'

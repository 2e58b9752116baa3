-- Undoes an acquisition that nobody has got, or forbids it if it has not come yet.
-- KEYS: as in acquire.lua, of one
-- ARGV: the acquisition as `holder:uuid`, for how many ms it may still come
local held = redis.call('GET', KEYS[1])
if held and ends_with(held, ARGV[1]) then
    redis.call('DEL', KEYS[1])
end
local memory = redis.call('GET', KEYS[2])
if memory and ends_with(memory, ARGV[1]) then
    -- Nobody ran: its fire time is free again. The token stays, as others may have seen it. Who came before is forgotten, not when.
    local kind, token, _, before = unpack_memory(memory)
    local value = before == NEVER and '' or 'ADDED:' .. iso(tonumber(before)) .. '@'
    redis.call('SET', KEYS[2], kind .. ' ' .. token .. ' ' .. before .. ' ' .. before .. ' ' .. value,
        'PX', redis.call('PTTL', KEYS[2]))
else
    redis.call('SET', KEYS[3], '', 'PX', ARGV[2])
end
return 'taken back'

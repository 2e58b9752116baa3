-- Undoes an acquisition that nobody has got, and forbids it, as it may not have arrived yet, or
-- arrive once more.
-- KEYS: the lock, its memory
-- ARGV: the acquisition as `holder:uuid`, for how many ms it may still arrive
local now = clock()
local uuid, latest_ms = uuid_of(ARGV[1]), tonumber(ARGV[2])
-- Of one lock, this many acquisitions are forbidden at once, the latest ones.
local MOST = 500

local held = redis.call('GET', KEYS[1])
if held and uuid_of(held) == uuid then
    redis.call('DEL', KEYS[1])
end
local forbidden, memory, kind, token, _, before = recall(KEYS[2], now)
if memory and uuid_of(memory) == uuid then
    -- Nobody ran: its fire time is free again. The token stays, as others may have seen it. Of the
    -- acquisition before, the time is known, but no longer the holder.
    local value = before == NEVER and '' or 'ADDED:' .. iso(tonumber(before)) .. '@'
    memory = kind .. ' ' .. token .. ' ' .. before .. ' ' .. before .. ' ' .. value
end
local others = string.sub(string.sub(forbidden, 2, -2), -(MOST - 1) * FORBIDDEN)
forbidden = '!' .. others .. string.format('%013d', math.floor(now / 1000) + latest_ms) .. uuid .. '.'
redis.call('SET', KEYS[2], forbidden .. (memory or ''), 'PX', math.max(redis.call('PTTL', KEYS[2]), latest_ms))
return 'taken back'

-- The length of an acquisition that is forbidden: the ms until which it might still arrive, and its
-- UUID.
local FORBIDDEN = 13 + UUID
local OVERWRITTEN = 'what is remembered of the lock has been overwritten'

-- Forbidden acquisitions stand before all else, between `!` and `.`, the oldest first.
-- Answers those that might still arrive, and what else is remembered.
local function without_forbidden(memory, now)
    local first, ending = 2, string.find(memory, '.', 1, true) or error(OVERWRITTEN)
    while first < ending and (tonumber(string.sub(memory, first, first + 12)) or error(OVERWRITTEN)) < now / 1000 do
        first = first + FORBIDDEN
    end
    return first < ending and '!' .. string.sub(memory, first, ending) or '', ending < #memory and string.sub(memory, ending + 1)
end

-- What is remembered of a lock, as text: whether it has been taken for a fire time (`+` or `-`),
-- its highest token, the time or fire time of its last acquisition and of the one before (us as
-- `digits`), and the last one's value.
-- Answers what is forbidden; this text or nothing; and its parts except for the value.
local function recall(key, now)
    local forbidden, memory = '', redis.call('GET', key)
    if memory and string.sub(memory, 1, 1) == '!' then
        forbidden, memory = without_forbidden(memory, now)
    end
    if not memory then
        return forbidden, nil, '-', NEVER, NEVER, NEVER
    end
    local kind, token, at, before = string.match(memory, '^([+-]) (%d+) (%d+) (%d+) ')
    if not kind or #token ~= #NEVER or #at ~= #NEVER or #before ~= #NEVER then
        error(OVERWRITTEN)
    end
    return forbidden, memory, kind, token, at, before
end

local function remembered_value(memory)
    return string.sub(memory, #'+ ' + 3 * (#NEVER + #' ') + 1)
end

-- Tells what is known of a lock.
-- KEYS: the lock, its memory
-- Answers: the clock in us, the lock's value or '', its last ms, the last acquisition's value or ''
local function text(answer)
    return type(answer) == 'string' and answer or ''
end
local now = clock()
-- Somebody else's keys may be of other types, or hold something else: they are no locks.
local held = text(redis.pcall('GET', KEYS[1]))
local memory = text(redis.pcall('GET', KEYS[2]))
return {now, held, last_ms(KEYS[1], now), pcall(unpack_memory, memory) and remembered_value(memory) or ''}

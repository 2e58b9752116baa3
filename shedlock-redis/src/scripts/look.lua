-- Tells what is known of a lock.
-- KEYS: the lock, its memory
-- Answers: the clock in us, the lock's value or '', its last ms, the last acquisition's value or ''
local now = clock()
-- Somebody else's keys may be of other types, or hold something else: they are no locks.
local held = redis.pcall('GET', KEYS[1])
local recalled, _, memory = pcall(recall, KEYS[2], now)
return {now, type(held) == 'string' and held or '', last_ms(KEYS[1], now), recalled and memory and remembered_value(memory) or ''}

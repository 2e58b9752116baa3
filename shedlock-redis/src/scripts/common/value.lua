-- How long the UUID is that a lock's value ends with. No other acquisition has it.
local UUID = 36

local function ends_with(value, uuid)
    return string.sub(value, -UUID) == uuid
end

-- Whether a lock's value is that of a lease, of which is known how it begins.
local function belongs(value, beginning)
    return #value == #beginning + UUID and string.sub(value, 1, #beginning) == beginning
end

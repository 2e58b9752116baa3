-- How long the UUID is that a lock's value ends with.
local UUID = 36

-- Which acquisition a value is of.
local function uuid_of(value)
    return string.sub(value, -UUID)
end

-- Whether a lock's value is that of a lease, of which is known how it begins.
local function belongs(value, beginning)
    return #value == #beginning + UUID and string.sub(value, 1, #beginning) == beginning
end

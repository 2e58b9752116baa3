-- Calls `deal` for one lock after the other, each with so many keys and arguments, and tells it
-- where they are. What fails for one of many fails for it alone, and can be asked for again, alone.
local function each(keys, arguments, deal)
    if #KEYS == keys then
        return {deal(0, 0)}
    end
    local answers = {}
    for number = 0, #KEYS / keys - 1 do
        local dealt, answer = pcall(deal, number * keys, number * arguments)
        answers[number + 1] = dealt and answer or 'failed'
    end
    return answers
end

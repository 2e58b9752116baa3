-- Tells the clock.
-- KEYS: any that leads to the node whose clock it is
-- Answers: the clock in us
return (clock())

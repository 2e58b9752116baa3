"""Writes cases for the oracle: expression TAB zone TAB start. Usage: cases.py SEED COUNT"""

import random
import re
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

# Changes at night, at midnight, by half an hour, by two hours, twice around Ramadan, and none at all.
ZONES = """UTC Europe/Berlin Europe/London America/New_York America/Havana America/Sao_Paulo America/St_Johns
America/Nuuk America/Asuncion Atlantic/Azores Asia/Beirut Asia/Gaza Asia/Kathmandu Asia/Seoul Africa/Cairo
Africa/Casablanca Antarctica/Troll Australia/Lord_Howe Pacific/Chatham Pacific/Apia""".split()

# Days and hours that a zone skipped or repeated for good.
ODD_DAYS = [
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=timezone.utc)),
    ("America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=timezone.utc)),
    ("America/Sao_Paulo", datetime(2018, 2, 18, 2, tzinfo=timezone.utc)),
    ("Asia/Pyongyang", datetime(2018, 5, 4, 15, tzinfo=timezone.utc)),
    ("America/Caracas", datetime(2016, 5, 1, 7, tzinfo=timezone.utc)),
    ("Asia/Tehran", datetime(2022, 3, 21, 20, 30, tzinfo=timezone.utc)),
]

PLAIN = ["0 30 2 * * *", "0 */15 * * * *", "0 0 * * * *", "0 0 0 * * *", "0 15 0 * * *", "0 30 1 * * *", "*/20 * * * * *",
         "0 0 0 1 * *", "0 0 12 * * MON-FRI", "0 0 0 * * SUN", "0 */10 0-3 * * *", "0 0 1,2,3 * * *", "0 45 23 * * *"]

BY_HAND = PLAIN + """* * * * * *
*/60 * * * * *
0/10 * * * * *
0 0/25 * * * *
5/100 * * * * *
0 0 0 29 2 *
0 0 0 29 2 MON
0 0 0 30 2 *
0 0 0 31 4,6,9,11 *
0 0 0 31W 2 *
0 0 0 29W 2 *
0 0 0 31W * *
0 0 0 30W * *
0 0 0 15W * *
0 0 0 1W 1 SAT
0 0 0 L * *
0 0 0 L-3 * *
0 0 0 L-1 2 *
0 0 12 LW * *
0 0 12 LW * FRI
0 0 0 1,15,L * *
0 0 0 L,15W,3-5 * ?
0 0 0 ?,L * *
0 0 0 ?,3 * *
0 0 0 ? * 5#2
0 0 0 ? * FRI#2
0 0 0 ? * fri#5
0 0 0 ? * 0#1
0 0 0 * * 7#3
0 0 0 ? * FRI#6
0 0 0 ? * FRI#0
0 0 0 ? * 5L
0 0 0 ? * FRIL
0 0 0 ? * FriL
0 0 0 ? * 0L
0 0 0 ? * SUNL
0 0 0 ? * 8L
0 0 0 ? * L
0 0 0 ? * MON,FRI#1,SUNL
0 0 0 ? * ?,FRIL
0 0 0 29 2 5#5
0 0 0 * * FRI-SUN
0 0 0 * * SUN-TUE
0 0 0 * * SUN-SUN
0 0 0 * * SAT-MON
0 0 0 * * 0-7
0 0 0 * * 7-3/2
0 0 0 * * 0/2
0 0 0 * * 7/2
0 0 0 * * */2
0 0 0 * * 8
0 0 0 * * MONDAY
0 0 0 * * MON#MON#2
0 0 0 * JANUARY *
0 0 0 * JAN *
0 0 0 * jan-Mar *
0 0 0 * NOV-JAN *
0 0 0 * 0 *
0 0 0 * 13 *
0 0 0 JAN * *
0 0 0 MON * *
0 0 0 * MON *
0 0 0 * * JAN
0 0 MON * * *
0 0 0 0 * *
0 0 0 32 * *
0 0 0 l * *
0 0 0 lw * *
0 0 0 15w * *
0 0 0 L3 * *
0 0 0 L-0 * *
0 0 0 L+3 * *
0 0 0 LL * *
0 0 0 WL * *
0 0 0 W * *
0 0 0 W15 * *
0 0 0 0W * *
0 0 0 32W * *
0 0 0 1-5W * *
0 0 0 L/2 * *
0 0 0 ?/2 * *
0 0 0 * L *
0 0 0 * ? *
? * * * * *
0 ? * * * *
0 0 ? * * *
60 * * * * *
0 60 * * * *
0 0 24 * * *
007 08 009 * * *
1,2,3, * * * * *
,1 * * * * *
1,,2 * * * * *
1- * * * * *
-1 * * * * *
1-2-3 * * * * *
5-3 * * * * *
5-5 * * * * *
5-5/3 * * * * *
1/ * * * * *
/5 * * * * *
1/2/3 * * * * *
*/0 * * * * *
*/-1 * * * * *
*/x * * * * *
*/2147483648 * * * * *
99999999999 * * * * *
**  * * * * *
*-5 * * * * *
1-* * * * * *
x * * * * *
* * * *
*
@yearly
@ANNUALLY
@monthly
@weekly
@Daily
@midnight
@hourly
@reboot
@every
  0   0  12  *  *  *
""".splitlines()


def number(low, high):
    return str(random.randint(low, high))


def element(low, high, names=()):
    """A number, a name, a range, or either with a step; once in a while a wrong one."""
    def value():
        if names and random.random() < 0.5:
            name = random.choice(names)
            return random.choice([name, name.lower(), name.capitalize()])
        wrong = random.random() < 0.01
        return number(max(0, low - 1), high + 2) if wrong else number(low, high)

    kind = random.random()
    if kind < 0.1:
        text = "*"
    elif kind < 0.65:
        text = value()
    else:
        first, last = random.randint(low, high), random.randint(low, high)
        first, last = (first, last) if random.random() < 0.04 else sorted((first, last))
        text = f"{first}-{last}" if not names or random.random() < 0.6 else f"{value()}-{value()}"
    if random.random() < 0.25:
        text += "/" + random.choice(["1", "2", "3", "5", "7", "10", "15", "20", "30", "60", "100"])
    return text


def field(star, low, high, names=(), specials=None):
    if random.random() < star:
        return random.choice(["*", "*", "*", "?"]) if specials else "*"
    parts = [element(low, high, names) for _ in range(random.choice([1, 1, 1, 2, 3]))]
    if specials and random.random() < 0.45:
        parts[random.randrange(len(parts))] = specials()
    # Alone, Spring reads `FRI#6` as a day that never comes; we refuse it in a list as well.
    if specials and (random.random() < 0.25 or any("#6" in part for part in parts)):
        parts = [specials()]
    text = ",".join(parts)
    if random.random() < 0.012:
        place = random.randrange(len(text) + 1)
        text = text[:place] + random.choice([",", "-", "/", "L", "W", "#", "?", "x", "9", "*"]) + text[place:]
    return text


def special_date():
    # Not L-28 to L-30, where Spring repeats one fire time for ever in a short month.
    return random.choice(["L", "LW", f"L-{random.randint(1, 27)}", f"{random.randint(1, 31)}W"])


def special_weekday():
    day = random.choice(["MON", "tue", "WED", "THU", "Fri", "SAT", "SUN"] + list("01234567"))
    return random.choice([f"{day}L", f"{day}#{random.choice([1, 2, 3, 4, 5, 5, 6])}"])


MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
WEEKDAYS = "MON TUE WED THU FRI SAT SUN".split()


def expression():
    kind = random.random()
    if kind < 0.2:
        return random.choice(PLAIN)
    if kind < 0.3:
        return f"0 {random.choice(['*/15', '*/7', '0', '30', '15,45'])} {field(0.1, 0, 4)} * * *"
    second = "0" if random.random() < 0.7 else field(0.2, 0, 59)
    minute = "0" if random.random() < 0.25 else field(0.2, 0, 59)
    hour = field(0.3, 0, 23) if random.random() < 0.6 else field(0.2, 0, 4)
    date, month = field(0.5, 1, 31, (), special_date), field(0.6, 1, 12, MONTHS)
    return " ".join([second, minute, hour, date, month, field(0.5, 0, 7, WEEKDAYS, special_weekday)])


def transitions(zone):
    """Instants within an hour after each change of a zone's clocks, 2024 to 2027."""
    info, hour, found = ZoneInfo(zone), timedelta(hours=1), []
    instant = datetime(2024, 1, 1, tzinfo=timezone.utc)
    while instant.year < 2028:
        if instant.astimezone(info).utcoffset() != (instant + hour).astimezone(info).utcoffset():
            found.append((zone, instant + hour))
        instant += hour
    return found


CHANGES = [change for zone in ZONES for change in transitions(zone)] + ODD_DAYS
DATES = [datetime(2024, 2, 28), datetime(2024, 12, 31), datetime(2025, 2, 28), datetime(2026, 12, 31), datetime(2027, 3, 1)]


def start():
    kind = random.random()
    if kind < 0.7:
        zone, base = random.choice(CHANGES)
        offset = random.choice([3, 3, 40, 40, 900]) * 3600 * random.uniform(-1, 0.3)
    else:
        zone, base = random.choice(ZONES), random.choice(DATES).replace(tzinfo=timezone.utc)
        offset = 3 * 86400 * random.uniform(-1, 1)
    instant = base + timedelta(seconds=round(offset))
    rounding = random.random()
    if rounding < 0.3:
        instant = instant.replace(second=0, minute=instant.minute // 15 * 15)
    elif rounding < 0.4:
        instant = instant.replace(microsecond=random.choice([1, 500000, 999999]))
    return zone, instant


def differs_on_purpose(line, zone, instant):
    """The few lines that we read otherwise than Spring; the crate's docs and its own tests tell why."""
    fields = line.split()
    if len(fields) != 6:
        return False
    local = instant.astimezone(ZoneInfo(zone))
    beyond_a_month = re.search(r"L-(2[89]|[3-9]\d|\d{3})", line) or re.search(r"#(6.|[7-9]|\d\d)", line)
    signed = re.search(r"[-/ ,]-0|\+", line)
    # 1W seen from a Sunday 2nd, and 29W to 31W from a Friday that ends its month: Spring's answer depends on the start.
    edge = any(element in ("1W", "29W", "30W", "31W") for element in fields[3].split(","))
    crossing = fields[5] not in "*?" or "," in fields[3] or (local.day, local.isoweekday()) in EDGES
    workday_on_a_missing_day = "W" in fields[3] and (zone, local.year) == ("Pacific/Apia", 2011)
    return beyond_a_month or signed or (edge and crossing) or workday_on_a_missing_day


EDGES = [(2, 7), (28, 5), (29, 5), (30, 5)]


def write(line, zone, instant):
    if not differs_on_purpose(line, zone, instant):
        print(line, zone, instant.isoformat().replace("+00:00", "Z"), sep="\t")


if __name__ == "__main__":
    random.seed(int(sys.argv[1]))
    for line in BY_HAND:
        write(line, *start())
    for zone, change in CHANGES:
        for line in PLAIN[:2]:
            write(line, zone, change - timedelta(hours=random.choice([1, 3, 30]), minutes=random.randrange(60)))
    for _ in range(int(sys.argv[2])):
        write(expression(), *start())

"""Write houses.csv, the table of the tutorial: 400 invented sales with words, dates, missing values and codes.

python examples/houses.py          it writes the same bytes every time
"""

import csv
import sys
from datetime import date, timedelta
from pathlib import Path
from random import Random

COLUMNS = ("ref", "area", "rooms", "district", "built", "garden", "sold", "price")
DISTRICTS = {"Harbour": 4300, "Old Town": 5100, "Hill": 3700, "Meadow": 2900}  # base price of a square metre


def sale(number: int, random: Random) -> list[object]:
    """One row. The price grows with the area, a garden and the date of the sale, falls with age, and has 6% noise."""
    area = round(35 + 185 * random.random() ** 1.5)
    rooms = max(1, round(area / 28 + random.gauss(0, 0.6)))
    district = random.choice(list(DISTRICTS))
    built = round(2020 - 120 * random.random() ** 1.3)
    garden = random.random() < (0.7 if district == "Meadow" else 0.25)
    days = random.randrange(4 * 365)
    age = 0.75 + 0.25 * 2.718 ** (-(2024 - built) / 30)
    price = area**0.95 * DISTRICTS[district] * age * (1.12 if garden else 1) * 1.05 ** (days / 365)
    price = round(price * (1 + 0.06 * random.gauss(0, 1)), -2)
    built_cell = built if random.random() > 0.08 else "?"
    sold = date(2021, 1, 1) + timedelta(days)
    return [f"H-{10000 + 7 * number}", area, rooms, district, built_cell, "yes" if garden else "no", sold, int(price)]


def main(path: str = "houses.csv") -> None:
    """Write the table."""
    random = Random(1847)
    with Path(path).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(sale(number, random) for number in range(400))


if __name__ == "__main__":
    main(*sys.argv[1:])

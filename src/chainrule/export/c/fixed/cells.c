/* ------------------------------------------------------------------ cells of a row */

static int is_missing(const char *text) { return !text || !*text; }

static int is_finite(double x) { return x - x == 0; }

/* The number of a word among `count` words; -1 for any other, -2 for a missing cell. */
static int word_number(const char *text, const char *const *words, int count) {
  if (is_missing(text)) return -2;
  for (int k = 0; k < count; k++)
    if (strcmp(text, words[k]) == 0) return k;
  return -1;
}

/* The place of a text of so many bytes among `count` words in the order of their bytes; -1 if it is not one. */
static int place_of(const char *text, size_t size, const char *const *words, int count) {
  int low = 0, high = count;
  while (low < high) {
    const int middle = low + (high - low) / 2, order = strncmp(words[middle], text, size);
    if (order == 0 && !words[middle][size]) return middle;
    if (order < 0) low = middle + 1; else high = middle;
  }
  return -1;
}

/* Writes 1 for each of `count` words that is in a text with a mark between words, and for each two words with the mark
   between them that are one; with `other` for any other word. The inputs of the words are at their `places`. */
static void write_items(const char *text, const char *const *words, const int *places, int count, const char *mark,
                        int other, real *a) {
  const size_t gap = strlen(mark);
  const char *before = NULL;
  if (is_missing(text)) return;
  for (;;) {
    const char *end = strstr(text, mark);
    const size_t size = end ? (size_t)(end - text) : strlen(text);
    const int word = place_of(text, size, words, count);
    const int pair = before ? place_of(before, (size_t)(text - before) + size, words, count) : -1;
    if (size && word >= 0) a[places[word]] = 1;
    else if (size && other) a[count] = 1;
    if (pair >= 0) a[places[pair]] = 1;
    if (!end) return;
    before = text;
    text = end + gap;
  }
}

/* Gives the words of a text, whose inputs are 1, their weights, divided by the length of the vector of these. */
static void weigh(real *a, const double *weights, int count) {
  double sum = 0;
  for (int k = 0; k < count; k++)
    if (a[k] != 0) sum += weights[k] * weights[k];
  for (int k = 0; k < count; k++)
    if (a[k] != 0) a[k] = (real)(3 * weights[k] / sqrt(sum));
}

/* z where |z| <= bound, else sign(z) (2 bound - bound^2 / |z|). */
static double bent(double z, double bound) {
  return fabs(z) > bound ? copysign(2 * bound - bound * bound / fabs(z), z) : z;
}

/* The share of the bin between two edges that lies below x. */
static double share_below(double x, const double *edges) {
  const double share = (x - edges[0]) / (edges[1] - edges[0]);
  return share > 0 ? (share < 1 ? share : 1) : 0;
}

/* Reads from `least` to `most` digits, behind `before` unless it is 0; -1 if they are not there. */
static int digits(const char **at, char before, int least, int most) {
  const char *p = *at;
  int value = 0, count = 0;
  if (before && *p++ != before) return -1;
  for (; count < most && p[count] >= '0' && p[count] <= '9'; count++) value = 10 * value + (p[count] - '0');
  if (count < least) return -1;
  *at = p + count;
  return value;
}

/* The days from 1970-01-01 to a day of the calendar; 0 in *valid if there is no such day. */
static double days_to(int year, int month, int day, int *valid) {
  static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0, before = year - 1;
  int days = day - 1;
  *valid = year >= 1 && month >= 1 && month <= 12 && day >= 1;
  *valid = *valid && day <= lengths[month - 1] + (leap && month == 2);
  if (!*valid) return 0;
  for (int k = 1; k < month; k++) days += lengths[k - 1] + (leap && k == 2);
  return 365.0 * before + before / 4 - before / 100 + before / 400 + days - 719162;
}

/* Reads hour:minute, :second, a fraction, with the mark ':' or, if it is 0, without one: the seconds since midnight,
   -1 if there is no such time. */
static double clock_at(const char **at, char mark) {
  const int hour = digits(at, 0, mark ? 1 : 2, 2), minute = digits(at, mark, 2, 2);
  double second = 0, unit = 1;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return -1;
  if (mark ? **at == mark : **at >= '0' && **at <= '9') {
    const int whole = digits(at, mark, 2, 2);
    if (whole < 0 || whole > 60) return -1;
    second = whole;
    if (**at == '.')
      for (++*at; **at >= '0' && **at <= '9'; ++*at)
        if (unit < 1e13) second = 10 * second + (**at - '0'), unit = 10 * unit;
  }
  return 3600.0 * hour + 60.0 * minute + second / unit;
}

/* Reads "2024-02-29", "2024-02-29 13:30" or "2024-02-29T13:30:00.25", with Z or an offset such as +02:00 behind it,
   which is not applied: seconds since 1970. If `date` is 2 also "20240229", "20240229T1330" and "20240229T133000.25",
   of the years from 1500 to 2199. If it is 0 it reads "13:30:00.25": seconds since midnight.
   1 if it is such a time, 0 if it is not, -1 if the cell is missing. */
static int read_time(const char *text, int date, double *seconds) {
  double clock = 0, days = 0;
  const char *start = text;
  int valid = 1, bare;
  if (is_missing(text)) return -1;
  bare = date == 2 && digits(&start, 0, 8, 8) >= 0;
  if (date) {
    const char mark = bare ? 0 : '-';
    const int year = digits(&text, 0, 4, 4), month = digits(&text, mark, bare ? 2 : 1, 2),
              day = digits(&text, mark, bare ? 2 : 1, 2);
    days = days_to(year, month, day, &valid);
    if (!valid || (bare && (year < 1500 || year > 2199))) return 0;
  }
  if (!date || *text) {
    if (date && *text != 'T' && (bare || *text != ' ')) return 0;
    if (date) text++;
    clock = clock_at(&text, bare ? 0 : ':');
  }
  if (date && *text == 'Z')
    text++;
  else if (date && (*text == '+' || *text == '-'))
    for (text++; (*text >= '0' && *text <= '9') || *text == ':';) text++;
  *seconds = clock + 86400.0 * days;
  return clock >= 0 && !*text;
}

/* The places of a time in its year, its week and its day. */
static int season_place(double seconds) {
  const double day = floor(seconds / 86400.0);
  int year = 1970 + (int)floor(day / 365.2425), valid;
  if (year < 1) year = 1;
  while (days_to(year, 1, 1, &valid) > day) year--;
  while (days_to(year + 1, 1, 1, &valid) <= day) year++;
  return (int)(day - days_to(year, 1, 1, &valid));
}

static int weekday_place(double seconds) {
  const double place = fmod(floor(seconds / 86400.0) + 3, 7);
  return (int)(place < 0 ? place + 7 : place);
}

static int clock_place(double seconds) {
  const double rest = fmod(seconds, 86400.0);
  return (int)floor((rest < 0 ? rest + 86400.0 : rest) / 60);
}

// Checks of arguments, before anything is computed: no argument of a caller makes the core read or write elsewhere.
//
// A check returns false after it has written its error. Products of sizes are taken in double or checked for overflow.
#pragma once

#include <cstdarg>
#include <cstdio>

#include "api.h"
#include "types.h"

namespace chainrule {

inline constexpr int64_t most_layers = 4096, most_size = int64_t(1) << 30, most_count = int64_t(1) << 40;

// The error of a call: the caller's text, and the code.
struct Report {
  char *text;
  int64_t capacity;
  int32_t code = CHAINRULE_OK;

  __attribute__((format(printf, 3, 4))) bool refuse(int32_t why, const char *format, ...) {
    code = why;
    if (!text || capacity < 1) return false;
    va_list values;
    va_start(values, format);
    std::vsnprintf(text, size_t(capacity), format, values);
    va_end(values);
    return false;
  }
  bool within(const char *what, int64_t value, int64_t low, int64_t high) {
    if (low <= value && value <= high) return true;
    return refuse(CHAINRULE_ARGUMENT, "%s is %lld, but must be from %lld to %lld", what, (long long)value,
                  (long long)low, (long long)high);
  }
  bool not_null(const char *what, const void *pointer) {
    return pointer ? true : refuse(CHAINRULE_ARGUMENT, "%s is a null pointer", what);
  }
  bool aligned(const char *what, const void *pointer, int64_t to) {
    if (!not_null(what, pointer)) return false;
    return uintptr_t(pointer) % uintptr_t(to) == 0
               ? true
               : refuse(CHAINRULE_ARGUMENT, "%s is not at a multiple of %d bytes", what, int(to));
  }
  bool number(const char *what, double value, double low, double high) {
    if (low <= value && value <= high) return true;
    return refuse(CHAINRULE_ARGUMENT, "%s is %g, but must be from %g to %g", what, value, low, high);
  }
  bool same(const char *what, int64_t value, int64_t wanted) {
    if (value == wanted) return true;
    return refuse(CHAINRULE_ARGUMENT, "%s is %lld, but must be %lld", what, (long long)value, (long long)wanted);
  }
};

// Whether it is made of small letters, digits and _, with a final 0.
inline bool is_name(const char *name, int64_t capacity) {
  for (int64_t i = 0; i < capacity; i++) {
    const char c = name[i];
    if (!c) return true;
    if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_') return false;
  }
  return false;
}

inline constexpr double huge = __builtin_inf(), greatest = 1.7976931348623157e308;

// The index of an entry by its name.
inline bool find(Report &report, const char *what, const char (&name)[32], int (*index_of)(const char *), int &kind) {
  if (!is_name(name, 32))
    return report.refuse(CHAINRULE_ARGUMENT, "the name of the %s is not made of small letters, digits and _", what);
  kind = index_of(name);
  return kind >= 0 ? true : report.refuse(CHAINRULE_LACKS, "the core has no %s '%s'", what, name);
}

inline int64_t bytes_of(int64_t kind) { return kind == CHAINRULE_FLOAT64 ? 8 : 4; }

// Offsets from `data` of the first byte and of the end of all elements; false if one overflows.
inline bool extent(const chainrule_matrix &m, int64_t &low, int64_t &high) {
  int64_t rows, columns;
  if (__builtin_mul_overflow(m.rows - 1, m.row_stride, &rows) ||
      __builtin_mul_overflow(m.columns - 1, m.column_stride, &columns))
    return false;
  if (__builtin_add_overflow(rows < 0 ? rows : 0, columns < 0 ? columns : 0, &low)) return false;
  return !__builtin_add_overflow(rows > 0 ? rows : 0, columns > 0 ? columns : 0, &high) &&
         !__builtin_add_overflow(high, bytes_of(m.kind), &high);
}

// One row of a sparse matrix: its entries are among those that there are, and their columns ascend.
inline bool check_sparse_row(Report &report, const chainrule_matrix &m, int64_t row) {
  const int64_t from = m.offsets[row], to = m.offsets[row + 1];
  if (from < 0 || from > to || to > m.entries)
    return report.refuse(CHAINRULE_ARGUMENT, "row %lld of X has entries %lld to %lld of %lld", (long long)row,
                         (long long)from, (long long)to, (long long)m.entries);
  int64_t last = -1;
  for (int64_t e = from; e < to; e++) {
    if (m.places[e] <= last || m.places[e] >= m.columns)
      return report.refuse(CHAINRULE_ARGUMENT, "row %lld of X has column %lld: columns ascend, from 0 to %lld",
                           (long long)row, (long long)m.places[e], (long long)(m.columns - 1));
    last = m.places[e];
  }
  return true;
}

// A sparse X apart from its rows: its arrays are where they should be, and the elements within their bytes.
inline bool check_sparse(Report &report, const chainrule_matrix &m, int64_t columns) {
  if (!report.within("the number of rows", m.rows, 1, most_count)) return false;
  if (!report.same("the number of columns", m.columns, columns)) return false;
  if (!report.within("the number of columns", m.columns, 1, most_size - 1)) return false;
  if (!report.within("the number of entries", m.entries, 0, most_count)) return false;
  if (!report.aligned("offsets", m.offsets, 8) || !report.aligned("places", m.places, 4)) return false;
  if (!report.aligned("X", m.data, bytes_of(m.kind)) || !report.not_null("X", m.begin)) return false;
  if (m.begin != m.data || m.bytes / bytes_of(m.kind) < m.entries || m.bytes < 0)
    return report.refuse(CHAINRULE_ARGUMENT, "X has elements beyond its bytes");
  return true;
}

// A matrix with all its elements within its bytes, and with that number of columns (and of rows, unless 0).
inline bool check_matrix(Report &report, const char *what, const chainrule_matrix &m, int64_t rows, int64_t columns) {
  if (!report.not_null(what, m.data) || !report.not_null(what, m.begin)) return false;
  if (!report.within("the number of rows", m.rows, 1, most_count)) return false;
  if (rows && !report.same("the number of rows of T and weight", m.rows, rows)) return false;
  if (!report.same("the number of columns", m.columns, columns)) return false;
  const auto data = uintptr_t(m.data), begin = uintptr_t(m.begin);
  int64_t low, high;
  const bool counted = extent(m, low, high) && m.bytes >= 0 && begin <= UINTPTR_MAX - uintptr_t(m.bytes);
  if (!counted || data < begin || data - begin > uintptr_t(m.bytes))
    return report.refuse(CHAINRULE_ARGUMENT, "%s does not lie within its bytes", what);
  const auto at = int64_t(data - begin);
  if (at + low < 0 || high > m.bytes - at)
    return report.refuse(CHAINRULE_ARGUMENT, "%s has elements beyond its bytes", what);
  return true;
}

inline bool check_kind(Report &report, const char *what, int64_t kind, bool classes) {
  if (kind == CHAINRULE_FLOAT32 || kind == CHAINRULE_FLOAT64 || (classes && kind == CHAINRULE_INT32)) return true;
  return report.refuse(CHAINRULE_ARGUMENT, "%s is of kind %lld, which it cannot be", what, (long long)kind);
}

inline Matrix as_matrix(const chainrule_matrix &m) {
  return {static_cast<const char *>(m.data),
          int(m.kind),
          Index(m.rows),
          Index(m.columns),
          Index(m.row_stride),
          Index(m.column_stride),
          m.offsets,
          m.places};
}

// Whether the magnitude of every element of a row, as an integer of its bits, is less than `end`.
template <class Bits> bool is_below(const char *row, int64_t columns, int64_t stride, Bits end) {
  constexpr Bits magnitude = ~Bits(0) >> 1;
  int beyond = 0;
  Bits bits;
  if (stride == int64_t(sizeof bits))
    for (int64_t j = 0; j < columns; j++)
      __builtin_memcpy(&bits, row + j * int64_t(sizeof bits), sizeof bits), beyond |= (bits & magnitude) >= end;
  else
    for (int64_t j = 0; j < columns; j++)
      __builtin_memcpy(&bits, row + j * stride, sizeof bits), beyond |= (bits & magnitude) >= end;
  return !beyond;
}

// Whether X (or the outputs: `what`) is finite as numbers of a network whose numbers have so many bytes.
inline bool check_finite(Report &report, const char *what, const chainrule_matrix &m, int64_t bytes) {
  constexpr uint64_t infinite = 0x7ff0000000000000u, infinite_in_float32 = 0x47effffff0000000u;  // by rounding
  if (m.offsets)
    return report.refuse(CHAINRULE_ARGUMENT, "a sparse X cannot be checked for values that are not finite");
  const int64_t own = m.kind == CHAINRULE_FLOAT64 ? 8 : 4;
  const bool gapless = m.column_stride == own && m.row_stride == m.columns * own;  // then one row of all numbers
  const int64_t rows = gapless ? 1 : m.rows, columns = gapless ? m.rows * m.columns : m.columns;
  for (int64_t i = 0; i < rows; i++) {
    const char *row = static_cast<const char *>(m.data) + i * m.row_stride;
    const bool finite = m.kind == CHAINRULE_FLOAT64 ? is_below<uint64_t>(row, columns, m.column_stride,
                                                                         bytes == 4 ? infinite_in_float32 : infinite)
                                                    : is_below<uint32_t>(row, columns, m.column_stride, 0x7f800000u);
    if (!finite) return report.refuse(CHAINRULE_ARGUMENT, "%s has a value that is not finite", what);
  }
  return true;
}

// The rows of a call of steps: (updates - 1) m < rows <= updates m, each of them one of 0..n-1.
inline bool check_order(Report &report, const chainrule_step_call &call, int64_t m, int64_t n) {
  if (!report.within("the number of updates", call.updates, 0, most_count) ||
      !report.within("the number of rows", call.rows, 0, most_count))
    return false;
  int64_t most;
  if (__builtin_mul_overflow(call.updates, m, &most)) most = INT64_MAX;
  if (call.rows > most || (call.updates ? call.rows <= most - m : call.rows > 0))
    return report.refuse(CHAINRULE_ARGUMENT, "%lld rows cannot make %lld batches of %lld: only the last may be shorter",
                         (long long)call.rows, (long long)call.updates, (long long)m);
  for (int64_t i = 0; i < call.rows; i++)
    if (call.order[i] < 0 || call.order[i] >= n)
      return report.refuse(CHAINRULE_ARGUMENT, "the order names row %lld, but there are rows 0 to %lld",
                           (long long)call.order[i], (long long)(n - 1));
  return true;
}

}  // namespace chainrule

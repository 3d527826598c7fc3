/**
 * Answers for rows, by a trained model that chainrule exported: one ES module without dependencies, for Node 18 or
 * newer, Deno, workers and browsers. It evaluates no text as code.
 *
 *     import { predict, probabilities, answers, inputs, metadata } from "./model.js";
 *     predict({ age: 29, sex: "female" });
 *
 * A row is an object (or a Map) from the names in `inputs` to cells, or an array of the cells in their order.
 *
 *     numbers    1234.5, or the same as text; true is 1, false is 0
 *     words      any text; 1 and "1.0" are the word "1", true is "true"
 *     labels     a text with the mark of training between labels, such as "a;b"; of a text its words count
 *     times      text such as "2024-02-29 13:30:00", "2024-02-29T13:30Z" or "2024-02-29"; times of day: "13:30".
 *                Where training had dates such as 20240229, also these, as text or as numbers.
 *                The clock is taken as it is written: a time zone behind it is ignored. Of a Date the clock of UTC is
 *                taken, as its toISOString writes it, so that the answer is the same everywhere
 *     missing    null, undefined, NaN, an empty text, and words that stand for it, such as "?" and "NA"
 *
 * @module
 */

const MODEL = {"chainrule": "", "digest": "", "dtype": "float64", "missing": [], "placeholders": [], "no_times": [],
"names": [], "columns": null, "outputs": [], "layers": []};

/** @typedef {number | string | boolean | bigint | Date | null | undefined} Cell */
/** @typedef {Object<string, Cell> | Map<string, Cell> | ArrayLike<Cell>} Row */
/** @typedef {string | number | boolean} Value a class or a number */

/**
 * The names of what a row consists of, in order.
 * @type {ReadonlyArray<string>}
 */
export const inputs = Object.freeze([...MODEL.names]);

/** What the model is: the version of chainrule, the SHA-256 of the model's file, the type, and the targets. */
export const metadata = Object.freeze({
  chainrule: MODEL.chainrule,
  digest: MODEL.digest,
  dtype: MODEL.dtype,
  targets: Object.freeze(
    MODEL.outputs.map(({ name, classes, texts }) => Object.freeze({ name, classes: classes ?? texts ?? null })),
  ),
});

/**
 * The answer for a row: a class or a number; with several targets an object by target.
 * @param {Row} row
 * @returns {Value | Object<string, Value>}
 */
export function predict(row) {
  return only(answersOf(row).map(({ target, answer }) => [target, answer]));
}

/**
 * The probability of each class for a row, by class; with several targets of classes an object of these by target.
 * @param {Row} row
 * @returns {Object<string, number> | Object<string, Object<string, number>>}
 */
export function probabilities(row) {
  const known = answersOf(row).filter((each) => each.chances !== null);
  return only(known.map(({ target, chances }) => [target, byName(chances)]));
}

/**
 * For each target its answer for a row, and the probabilities by class, null if it has none.
 * @param {Row} row
 * @returns {Object<string, {answer: Value, probabilities: Object<string, number> | null}>}
 */
export function answers(row) {
  const pairs = answersOf(row).map(({ target, answer, chances }) => {
    return [target, { answer, probabilities: chances && byName(chances) }];
  });
  return byName(pairs);
}

export default { predict, probabilities, answers, inputs, metadata };

/** An object without a prototype, so that every name is a key like any other. */
function byName(pairs) {
  const object = Object.create(null);
  for (const [name, value] of pairs) object[name] = value;
  return object;
}

/** The value of the only pair, or all values by name. */
function only(pairs) {
  return pairs.length === 1 ? pairs[0][1] : byName(pairs);
}

// ------------------------------------------------- readings: from a cell to a number, a word, seconds, or null

const MISSING = new Set(MODEL.missing);
const NO_NUMBER = new Set([...MODEL.missing, ...MODEL.placeholders]);
const NO_TIME = new Set([...NO_NUMBER, ...MODEL.no_times]);

const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
const AROUND = new RegExp(`^${SPACE}|${SPACE}$`, "g");
const ASCII = /^[\x00-\x7f]*$/;
const UNSEEN = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]/g;
const DASHES = /[\u2010-\u2013\u2212]/g;
const PLAIN = /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/;
const THOUSANDS = /^[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+$/;
const WHOLE = /^(-?(?:0|[1-9][0-9]*))\.0+$/; // not a code such as 007.0
const BOOLEANS = new Map([["true", 1], ["True", 1], ["TRUE", 1], ["false", 0], ["False", 0], ["FALSE", 0]]);
const DAY = 86400;

const trimmed = (text) => text.replace(AROUND, "");

/** Text with plain spaces, digits and minus signs, and without characters that are not visible. */
function plainCharacters(text) {
  return ASCII.test(text) ? text : trimmed(text.normalize("NFKC").replace(UNSEEN, "").replace(DASHES, "-"));
}

const isDate = (cell) => Object.prototype.toString.call(cell) === "[object Date]";

/** A value in one short line. */
function shown(value) {
  let line;
  try {
    line = typeof value === "string" ? JSON.stringify(value) : String(value);
  } catch {
    line = `a value of type ${typeof value}`;
  }
  line = line.replace(/\s+/g, " ");
  return line.length <= 60 ? line : `${line.slice(0, 56)} ...`;
}

function refused(kind, cell, what) {
  return new TypeError(`holds ${kind}, but ${shown(cell)} came: ${what}`);
}

function numberReading({ form }) {
  const kind = form === "1234.5" ? "numbers" : `numbers, in training written as ${form}`;

  function ofText(cell) {
    const word = trimmed(cell);
    const text = NO_NUMBER.has(word) ? "" : plainCharacters(word);
    if (text === "") return null;
    if (form.includes("1.234,5") && THOUSANDS.test(text)) {
      throw refused(kind, cell, "it could be either of two numbers, so give it as a number, not as text");
    }
    if (PLAIN.test(text)) return Number(text);
    if (BOOLEANS.has(text)) return BOOLEANS.get(text);
    throw refused(kind, cell, "write a number such as 1234.5, or leave the cell empty");
  }

  return (cell) => {
    if (cell === null || cell === undefined) return null;
    if (!["string", "number", "boolean", "bigint"].includes(typeof cell)) {
      throw refused(kind, cell, "give a number such as 1234.5, or null");
    }
    const value = typeof cell === "string" ? ofText(cell) : Number(cell);
    if (Math.abs(value) === Infinity) throw refused(kind, cell, "give a finite number, or null");
    return Number.isNaN(value) ? null : value;
  };
}

function timeReading({ form, patterns }) {
  const forms = patterns.map((pattern) => new RegExp(`^(?:${pattern.replaceAll("(?P<", "(?<")})$`, "i"));
  const clock = form === "hour:minute";
  const unmarked = form === "yearmonthday";
  const sample = clock ? "13:30:00" : unmarked ? "20240229" : "2024-02-29 13:30:00";
  const isText = (cell) => typeof cell === "string" || (unmarked && ["number", "bigint"].includes(typeof cell));

  return (cell) => {
    if (cell === null || cell === undefined || Number.isNaN(cell)) return null;
    if (isDate(cell) && !clock && !Number.isNaN(cell.getTime())) return cell.getTime() / 1000;
    const text = isText(cell) ? trimmed(String(cell)) : "-";
    if (isText(cell) && NO_TIME.has(text)) return null;
    const plain = plainCharacters(unmarked && isText(cell) ? wordOf(cell) : text);
    const match = forms.map((each) => each.exec(plain)).find((each) => each !== null);
    if (match === undefined) throw refused("times", cell, `write a time such as ${sample}, or leave the cell empty`);
    const seconds = secondsOf(match.groups);
    if (seconds === null) throw refused("times", cell, "there is no such time");
    return seconds;
  };
}

/** The seconds since 1970, or since midnight; null if there is no such time. */
function secondsOf({ year, month, day, hour = "0", minute = "0", second = "0", half = "" }) {
  const seconds = Number(second.replace(",", "."));
  const wrong = half ? hour < 1 || hour > 12 : hour > 23;
  if (wrong || minute > 59 || seconds >= 61) return null;
  const hours = half ? (hour % 12) + (/^p/i.test(half) ? 12 : 0) : Number(hour);
  const start = year === undefined ? 0 : midnight(year, month, day);
  return start === null ? null : start + 3600 * hours + 60 * minute + seconds;
}

/** The seconds from 1970 to a day, null if there is no such day. */
function midnight(year, month, day) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const exists = year >= 1 && date.getUTCMonth() === month - 1 && date.getUTCDate() === Number(day);
  return exists ? date.getTime() / 1000 : null;
}

function wordReading({ words }) {
  const codes = new Map(words.map((word, code) => [word, code]));
  return (cell) => {
    const word = wordOf(cell);
    return word === null ? null : (codes.get(word) ?? -1);
  };
}

function itemsReading({ words, separator }) {
  const codes = new Map(words.map((word, code) => [word, code]));
  return (cell) => {
    const text = wordOf(cell);
    if (text === null) return null;
    const parts = separator === "" ? lower(text).split(/[^\p{L}\p{N}]+/u) : text.split(separator).map(trimmed);
    const items = parts.filter((part) => part !== "");
    const pairs = separator === "" ? items.slice(1).map((item, k) => `${items[k]} ${item}`) : [];
    return new Set([...items, ...pairs.filter((pair) => codes.has(pair))].map((item) => codes.get(item) ?? -1));
  };
}

/** The text in lower case as training had it: letter by letter, each of which stays one letter. */
function lower(text) {
  return Array.from(text, (letter) => Array.from(letter.toLowerCase())[0]).join("");
}

/** The text that a cell had in training, null where it is missing. */
function wordOf(cell) {
  if (cell === null || cell === undefined || Number.isNaN(cell)) return null;
  if (typeof cell === "number") return digits(cell);
  if (typeof cell === "boolean" || typeof cell === "bigint") return String(cell);
  if (isDate(cell) && !Number.isNaN(cell.getTime())) return timeText(cell);
  if (typeof cell !== "string") throw refused("words", cell, "give a text, a number or a boolean");
  const text = trimmed(cell);
  if (MISSING.has(text)) return null;
  return BOOLEANS.has(text) ? text.toLowerCase() : text.replace(WHOLE, "$1");
}

/** The fewest digits that give a number again, without a point if it is whole. */
function digits(value) {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 53) return String(value);
  if (Math.abs(value) === Infinity) return value > 0 ? "inf" : "-inf";
  return Math.abs(value) < 1e10 && Math.abs(value) >= 1e-6 ? String(value) : value.toExponential();
}

/** A Date as text, in the clock of UTC. */
function timeText(date) {
  const text = date.toISOString().replace("T", " ").replace(/\.?0*Z$/, "");
  return text.replace(/ 00:00:00$/, "");
}

function presenceReading() {
  return (cell) => {
    if (cell === null || cell === undefined || Number.isNaN(cell)) return null;
    return typeof cell === "string" && NO_NUMBER.has(trimmed(cell)) ? null : 0;
  };
}

const READINGS = {
  number: numberReading,
  time: timeReading,
  word: wordReading,
  items: itemsReading,
  presence: presenceReading,
};

// ------------------------------------------- inputs: from what was read to numbers that the network sees, from a[at]

const Numbers = MODEL.dtype === "float32" ? Float32Array : Float64Array;

const STEPS = {
  affine: ({ mean, scale }) => (x) => (x - mean) / scale,
  asinh: () => Math.asinh,
  bend: ({ bound }) => (x) => (Math.abs(x) <= bound ? x : Math.sign(x) * (2 * bound - (bound * bound) / Math.abs(x))),
};

function curve({ steps }) {
  const functions = steps.map((step) => STEPS[step.is](step));
  return (x, a, at) => {
    a[at] = functions.reduce((value, step) => step(value), x);
    if (Math.abs(a[at]) === Infinity) {
      throw new TypeError("is too far from the training data: fix it, or leave the cell empty");
    }
  };
}

function powers({ steps }) {
  const functions = steps.map((step) => STEPS[step.is](step));
  return (x, a, at) => {
    const z = functions.reduce((value, step) => step(value), x);
    a[at] = (0.5 / Math.sqrt(2)) * (z * z - 1);
    a[at + 1] = (0.5 / Math.sqrt(6)) * (z * (z * z - 3));
  };
}

function bins({ edges, width }) {
  return (x, a, at) => {
    for (let k = 0; k < width; k++) {
      a[at + k] = Math.min(Math.max((x - edges[k]) / (edges[k + 1] - edges[k]), 0), 1);
    }
  };
}

function values({ values: known, rounded }) {
  return (x, a, at) => known.forEach((value, k) => (a[at + k] = x === value || x === rounded[k] ? 1 : 0));
}

/** The days since the first of January. */
function dayOfYear(seconds) {
  const date = new Date(Math.floor(seconds / DAY) * DAY * 1000);
  const first = new Date(0);
  first.setUTCFullYear(date.getUTCFullYear(), 0, 1);
  return (date.getTime() - first.getTime()) / (DAY * 1000);
}

/** The remainder of a division that has the sign of the divisor. */
const modulo = (x, n) => ((x % n) + n) % n;

const PLACES = {
  season: dayOfYear,
  weekday: (seconds) => modulo(Math.floor(seconds / DAY) + 3, 7),
  clock: (seconds) => Math.floor(modulo(seconds, DAY) / 60),
};

function cycle({ cycle, length }) {
  const place = PLACES[cycle];
  return (seconds, a, at) => {
    const angle = (2 * Math.PI * place(seconds)) / length;
    a[at] = Math.sin(angle);
    a[at + 1] = Math.cos(angle);
  };
}

function oneHot() {
  return (code, a, at) => {
    if (code >= 0) a[at + code] = 1;
  };
}

function manyHot({ width, other }) {
  const place = (code) => (code < 0 && other ? width - 1 : code);
  return (codes, a, at) => {
    for (const code of codes) if (place(code) >= 0) a[at + place(code)] = 1;
  };
}

function textWeights({ weights }) {
  return (codes, a, at) => {
    const known = [...codes].filter((code) => code >= 0).sort((one, other) => one - other);
    const length = Math.sqrt(known.reduce((sum, code) => sum + weights[code] * weights[code], 0));
    for (const code of known) a[at + code] = (3 * weights[code]) / length;
  };
}

function steps({ width }) {
  return (code, a, at) => a.fill(1, at, at + Math.max(0, Math.min(code, width)));
}

function other() {
  return (code, a, at) => {
    a[at] = code < 0 ? 1 : 0;
  };
}

const missing = () => () => {};

const INPUTS = {
  curve,
  powers,
  bins,
  time_bins: bins,
  values,
  cycle,
  one_hot: oneHot,
  many_hot: manyHot,
  text_weights: textWeights,
  steps,
  other,
  missing,
};

/** A column: how many numbers it becomes, and a function that writes those for a cell into zeros. */
function columnOf({ name, reading, inputs: parts }) {
  const read = READINGS[reading.is](reading);
  const written = parts.map((part) => ({ is: part.is, width: part.width, write: INPUTS[part.is](part) }));

  function write(cell, a, at) {
    const value = read(cell);
    for (const part of written) {
      if (value !== null) part.write(value, a, at);
      else if (part.is === "missing") a[at] = 1;
      at += part.width;
    }
  }

  return { width: parts.reduce((sum, part) => sum + part.width, 0), encode: named(`column ${shown(name)}`, write) };
}

/** The same where rows are numbers, none of which may be missing. */
function bareNumber(name) {
  const read = numberReading({ form: "1234.5" });

  function write(cell, a, at) {
    const value = read(cell);
    if (value === null) throw new TypeError("is missing: give a number");
    a[at] = value;
    if (Math.abs(a[at]) === Infinity) throw new TypeError(`is ${shown(cell)}, too large for ${MODEL.dtype}: fix it`);
  }

  return { width: 1, encode: named(`input ${shown(name)}`, write) };
}

/** The same function, whose errors begin with a name. */
function named(name, write) {
  return (cell, a, at) => {
    try {
      write(cell, a, at);
    } catch (error) {
      throw new TypeError(`${name} ${error.message}`);
    }
  };
}

/** The cells of a row in the order of `inputs`. */
function cellsOf(row) {
  if (Array.isArray(row) || ArrayBuffer.isView(row)) {
    if (row.length === inputs.length) return row;
    throw new TypeError(`the row has ${row.length} cells, but needs ${inputs.length}: ${listed()}`);
  }
  if (row === null || typeof row !== "object") {
    throw new TypeError(`a row is an object or an array, but ${shown(row)} came`);
  }
  const isMap = row instanceof Map;
  return inputs.map((name) => {
    if (isMap ? row.has(name) : has(row, name)) return isMap ? row.get(name) : row[name];
    throw new TypeError(`the row has no ${shown(name)}: it needs ${listed()}`);
  });
}

/** Whether an object has a property that not every object has. */
const has = (row, name) => Object.hasOwn(row, name) || (name in row && !(name in Object.prototype));

function listed() {
  const some = inputs.slice(0, 8).map(shown).join(", ");
  return inputs.length <= 8 ? some : `${some} and ${inputs.length - 8} more`;
}

const COLUMNS = MODEL.columns === null ? inputs.map(bareNumber) : MODEL.columns.map(columnOf);
const WIDTH = COLUMNS.reduce((sum, column) => sum + column.width, 0);

/** The numbers that the network sees of a row, rounded to its type. */
function encoded(row) {
  const a = new Numbers(WIDTH);
  const cells = cellsOf(row);
  let at = 0;
  for (let k = 0; k < COLUMNS.length; k++) {
    COLUMNS[k].encode(cells[k], a, at);
    at += COLUMNS[k].width;
  }
  return a;
}

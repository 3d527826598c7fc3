// Colours that colour-blind people can tell apart: orange below, blue above; Okabe and Ito's for classes.

export const CLASSES = [
  [0, 114, 178], [230, 159, 0], [0, 158, 115], [204, 121, 167], [86, 180, 233], [213, 94, 0], [240, 228, 66],
  [120, 120, 120], [140, 86, 75], [60, 60, 160],
];
const LIGHT_ENDS = [[214, 112, 20], [20, 105, 180]];
const DARK_ENDS = [[238, 140, 48], [72, 152, 228]];

export const DARK = window.matchMedia("(prefers-color-scheme: dark)");

export function isDark() {
  return DARK.matches;
}

function middle() {
  return isDark() ? [38, 42, 48] : [244, 244, 242];
}

// The colour of a share from -1 to 1.
export function diverging(share) {
  const end = (isDark() ? DARK_ENDS : LIGHT_ENDS)[share < 0 ? 0 : 1];
  const much = Math.min(1, Math.abs(share)) ** 0.85;
  return middle().map((part, k) => Math.round(part + (end[k] - part) * much));
}

export function css(colour) {
  return `rgb(${colour[0]} ${colour[1]} ${colour[2]})`;
}

const WORDS = new Map();

// 256 colours from orange to blue, for bytes; each as one word of a picture's memory.
export function words() {
  const key = isDark();
  if (!WORDS.has(key)) {
    const colours = new Uint8ClampedArray(256 * 4);
    for (let k = 0; k < 256; k += 1) colours.set([...diverging((k - 127.5) / 127.5), 255], 4 * k);
    WORDS.set(key, new Uint32Array(colours.buffer));
  }
  return WORDS.get(key);
}

export function ofClass(number) {
  return CLASSES[number % CLASSES.length];
}

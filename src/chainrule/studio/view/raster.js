// Bytes as pictures: a small canvas holds one pixel for each number.
import { words, ofClass, isDark } from "./colours.js";
import { decoded } from "./numbers.js";

export function paint(canvas, packed) {
  const [rows, columns] = packed.shape;
  const bytes = typeof packed.bytes === "string" ? decoded(packed) : packed.bytes;
  const colours = words();
  const image = new ImageData(columns, rows);
  const pixels = new Uint32Array(image.data.buffer);
  for (let k = 0; k < bytes.length; k += 1) pixels[k] = colours[bytes[k]];
  show(canvas, image);
}

// The weights of a layer, which come as numbers where they are few.
export function paintWeights(canvas, layer) {
  if (layer.matrix) {
    paint(canvas, layer.matrix);
    return;
  }
  const most = Math.max(1e-9, ...layer.W.flat().map((w) => Math.abs(w ?? 0)));
  const bytes = layer.W.flat().map((w) => Math.round(127.5 + (127.5 * (w ?? 0)) / most));
  paint(canvas, { shape: [layer.W.length, layer.W[0].length], bytes });
}

// The class of each pixel, paler where its share is small.
export function paintClasses(canvas, classes, share) {
  const [rows, columns] = classes.shape;
  const numbers = decoded(classes);
  const shares = decoded(share);
  const paper = isDark() ? 38 : 245;
  const image = new ImageData(columns, rows);
  for (let k = 0; k < numbers.length; k += 1) {
    const much = (shares[k] / 255) ** 1.5 * 0.8;
    const colour = ofClass(numbers[k]).map((part) => paper + (part - paper) * much);
    image.data.set([...colour, 255], 4 * k);
  }
  show(canvas, image);
}

function show(canvas, image) {
  if (canvas.width !== image.width) canvas.width = image.width;
  if (canvas.height !== image.height) canvas.height = image.height;
  canvas.getContext("2d").putImageData(image, 0, 0);
}

const scratch = document.createElement("canvas");

// A picture to draw at once, before the next one is made.
export function picture(packed) {
  paint(scratch, packed);
  return scratch;
}

// A canvas of so many CSS pixels, sharp on every screen; returns its context with the scale set.
export function sharp(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const size = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

// Numbers as bytes and as text.

export function decoded(packed) {
  const text = atob(packed.bytes);
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k += 1) bytes[k] = text.charCodeAt(k);
  return bytes;
}

export function shortNumber(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e5) return String(value).replace("-", "−");
  if (size >= 1e4 && size < 1e9) return whole(value).replace("-", "−");
  const text = size >= 1e9 || size < 1e-3 ? value.toExponential(2) : size >= 100 ? value.toFixed(1) : value.toPrecision(4);
  return text.replace("-", "−");
}

export function whole(value) {
  return Math.round(value).toLocaleString("en-US");
}

export function asNumber(text) {
  const trimmed = text.trim().replace("−", "-");
  return trimmed === "" || Number.isNaN(Number(trimmed)) ? text : Number(trimmed);
}

export function metricName(name) {
  return name === "r2" ? "R²" : name.replaceAll("_", " ");
}

// MathML from the studio as elements: only the elements of formulas are made, from text that is parsed as XML.

const ALLOWED = new Set(["math", "mrow", "mi", "mn", "mo", "msub", "msup", "msubsup", "mfrac", "mtable", "mtr", "mtd", "mtext", "munder", "munderover", "mover", "mspace", "mstyle", "mpadded", "msqrt"]);
const ATTRIBUTES = new Set(["display", "stretchy", "mathvariant", "fence", "form", "accent", "movablelimits", "width"]);
const MATHML = "http://www.w3.org/1998/Math/MathML";

function made(node) {
  if (node.nodeType === Node.TEXT_NODE) return document.createTextNode(node.nodeValue);
  if (node.nodeType !== Node.ELEMENT_NODE || !ALLOWED.has(node.localName)) return document.createTextNode("");
  const element = document.createElementNS(MATHML, node.localName);
  for (const { name, value } of node.attributes) if (ATTRIBUTES.has(name)) element.setAttribute(name, value);
  element.append(...[...node.childNodes].map(made));
  return element;
}

// A formula as pieces between which a line may break: before each =, and before each + and − of a sum.
export function formula(text) {
  const parsed = new DOMParser().parseFromString(text, "application/xml");
  if (parsed.querySelector("parsererror")) return [];
  return pieces(parsed.documentElement).map((nodes) => {
    const element = document.createElementNS(MATHML, "math");
    element.setAttribute("display", "block");
    element.append(...nodes.map(made));
    if (isOperator(element.firstChild, "+−")) element.firstChild.setAttribute("form", "infix"); // as between two terms
    return element;
  });
}

function isOperator(node, signs) {
  return node.localName === "mo" && signs.includes(node.textContent);
}
function pieces(math) {
  const all = [[]];
  for (const part of math.children) {
    if (isOperator(part, "=")) all.push([part]);
    else if (part.localName === "mrow" && [...part.children].slice(1).some((node) => isOperator(node, "+−"))) {
      [...part.children].forEach((node, k) => {
        if (k > 0 && isOperator(node, "+−")) all.push([node]);
        else all[all.length - 1].push(node);
      });
    } else all[all.length - 1].push(part);
  }
  return all;
}

// A line of plain text with the letters of the formulas.
const LETTERS = [[/\btheta\b/g, "θ"], [/\beta\b/g, "η"], [/\bmu\b/g, "μ"], [/\beps\b/g, "ε"], [/\bsqrt\b/g, "√"], [/\^2/g, "²"], [/ - /g, " − "]];
export function inLetters(text) {
  return LETTERS.reduce((words, [name, letter]) => words.replace(name, letter), text);
}

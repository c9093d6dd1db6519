// Elements and icons. Text only ever becomes text nodes.

const SVG = "http://www.w3.org/2000/svg";

export const $ = (id) => document.getElementById(id);

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function svg(viewBox, name, ...shapes) {
  const node = document.createElementNS(SVG, "svg");
  node.setAttribute("viewBox", viewBox);
  node.setAttribute("class", name);
  node.setAttribute("aria-hidden", "true");
  for (const [tag, attributes] of shapes) {
    const shape = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    node.append(shape);
  }
  return node;
}

const LINES = {
  send: "M5 12h13M12 5l7 7-7 7",
  attach: "M20 11.5l-8.2 8.2a5.2 5.2 0 0 1-7.4-7.4l8.6-8.6a3.5 3.5 0 0 1 5 5l-8.4 8.3a1.8 1.8 0 0 1-2.5-2.5l7.6-7.6",
  keys: "M4 6h16v12H4zM8 10h.01M12 10h.01M16 10h.01M8 14h8",
  down: "M6 9l6 6 6-6",
  menu: "M5 7h14M5 12h14M5 17h14",
  phone: "M7 3h10v18H7zM11 18h2",
  pin: "M12 21s7-6.4 7-11.5a7 7 0 1 0-14 0C5 14.6 12 21 12 21zM12 12a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  photo: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.5h.01",
  file: "M7 3h7l4 4v14H7zM14 3v4h4",
  plus: "M12 5v14M5 12h14",
  check: "M5 12.5l4.5 4.5L19 7.5",
  out: "M8 16L16 8M9 8h7v7",
  copy: "M9 9h11v11H9zM5 15V4h11",
  close: "M6 6l12 12M18 6L6 18",
  play: "M8 5.5v13l10.5-6.5z",
  block: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM6 6l12 12",
};

export function icon(name) {
  return svg("0 0 24 24", `icon icon-${name}`, ["path", { d: LINES[name] }]);
}

export function ticks(seen, label) {
  const shapes = [["path", { d: "M1.5 6.5l3.5 3.5 7-8" }]];
  if (seen) shapes.push(["path", { d: "M7.5 9l1 1 7-8" }]);
  const node = svg("0 0 17 12", seen ? "ticks ticks-seen" : "ticks", ...shapes);
  node.removeAttribute("aria-hidden");
  node.setAttribute("role", "img");
  node.setAttribute("aria-label", label);
  return node;
}

const COLOURS = 7;

export function avatar(name, key) {
  const letter = [...(name || "?").trim()][0] || "?";
  return el("span", { class: `avatar tint-${Math.abs(key) % COLOURS}`, "aria-hidden": "true" }, letter.toUpperCase());
}

// Everything is on loopback, so an answer that is no JSON is a bug worth seeing in the console.
export async function request(method, path, body) {
  const options = { method, headers: {} };
  if (body instanceof FormData) options.body = body;
  else if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  const response = await fetch(path, options);
  const content = await response.json();
  if (!response.ok) throw new Error(content.error || response.statusText);
  return { content, event: Number(response.headers.get("X-Playground-Event") || 0) };
}

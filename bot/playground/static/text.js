// A text and its entities as nodes. Entity offsets count UTF-16 units, and so do JavaScript's strings.

import { el } from "./dom.js";
import { word } from "./words.js";

const TAGS = {
  bold: "strong",
  italic: "em",
  underline: "u",
  strikethrough: "s",
  code: "code",
  pre: "pre",
  blockquote: "blockquote",
  expandable_blockquote: "blockquote",
};

const BLOCKS = new Set(["PRE", "BLOCKQUOTE"]);

export function formatted(text, entities, actions) {
  const fragment = document.createDocumentFragment();
  const cuts = new Set([0, text.length]);
  for (const entity of entities || []) {
    cuts.add(entity.offset);
    cuts.add(entity.offset + entity.length);
  }
  const edges = [...cuts].sort((one, other) => one - other);
  const open = [];
  for (let index = 0; index + 1 < edges.length; index += 1) {
    const [from, to] = [edges[index], edges[index + 1]];
    const active = (entities || []).filter((entity) => entity.offset <= from && entity.offset + entity.length >= to);
    while (open.length && !active.includes(open[open.length - 1].entity)) open.pop();
    for (const entity of active) {
      if (open.some((level) => level.entity === entity)) continue;
      const node = wrapper(entity, text.slice(entity.offset, entity.offset + entity.length), actions);
      if (!node) continue;
      (open.length ? open[open.length - 1].node : fragment).append(node);
      open.push({ entity, node });
    }
    let piece = text.slice(from, to);
    // A block ends its line by itself: the line break after it would show as an empty line.
    const parent = open.length ? open[open.length - 1].node : fragment;
    if (piece.startsWith("\n") && BLOCKS.has(parent.lastChild?.nodeName)) piece = piece.slice(1);
    parent.append(piece);
  }
  return fragment;
}

function wrapper(entity, piece, actions) {
  const tag = TAGS[entity.type];
  if (tag) return el(tag);
  switch (entity.type) {
    case "text_link":
      return link(entity.url);
    case "url":
      return link(/^[a-z]+:/i.test(piece) ? piece : `https://${piece}`);
    case "email":
      return el("span", { class: "mark" });
    case "bot_command":
      return el("button", { type: "button", class: "command", onclick: () => actions.say(piece) });
    case "mention":
    case "hashtag":
    case "cashtag":
    case "phone_number":
      return el("span", { class: "mark" });
    case "spoiler":
      return spoiler();
    default:
      return null;
  }
}

function link(address) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return null;
  }
  if (!["http:", "https:"].includes(url.protocol)) return el("span", { class: "mark" });
  return el("a", { href: url.href, target: "_blank", rel: "noopener noreferrer" });
}

function spoiler() {
  const node = el("span", { class: "spoiler", role: "button", tabindex: "0", title: word("spoiler") });
  const show = () => node.classList.add("spoiler-open");
  node.addEventListener("click", show);
  node.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") show();
  });
  return node;
}

// A line for quotes and lists: what a message is about, in a few words.
export function summary(message) {
  if (message.text) return message.text.replace(/\s+/g, " ").slice(0, 80);
  if (message.caption) return message.caption.replace(/\s+/g, " ").slice(0, 80);
  if (message.photo) return word("photo");
  if (message.document) return message.document.file_name || word("document");
  if (message.location) return word("location");
  if (message.contact) return message.contact.phone_number;
  if (message.voice) return word("voice");
  if (message.sticker) return `${message.sticker.emoji || ""} ${word("sticker")}`;
  return word("unsupported");
}

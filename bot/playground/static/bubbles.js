// One message, or the several of an album, as one row of the chat.

import { avatar, el, icon, svg, ticks } from "./dom.js";
import { formatted, summary } from "./text.js";
import { clock, size, word } from "./words.js";

export function row(messages, actions) {
  const [first] = messages;
  const last = messages[messages.length - 1];
  const bare = first.sticker !== undefined;
  const media = first.photo !== undefined;
  const captioned = messages.find((message) => message.caption);
  const bubble = el("div", { class: `bubble${media ? " bubble-media" : ""}${bare ? " bubble-bare" : ""}` });
  if (first.reply_to_message) bubble.append(quote(first.reply_to_message));
  bubble.append(...content(messages, actions));
  const words = first.text !== undefined ? first : captioned;
  if (words) {
    const entities = first.text !== undefined ? words.entities : words.caption_entities;
    const text = el("div", { class: "words" }, formatted(words.text ?? words.caption, entities, actions));
    text.append(meta(last));
    bubble.append(text);
  } else {
    bubble.append(meta(last));
  }
  if (!words && (media || bare)) bubble.classList.add("bubble-wordless");
  const node = el(
    "div",
    {
      class: `row ${first.mine ? "row-mine" : "row-theirs"}`,
      "data-message": messages.map((message) => message.message_id).join(" "),
    },
    el("div", { class: "stack" }, bubble, inlineKeyboard(last, actions)),
  );
  return node;
}

function meta(message) {
  const parts = [];
  if (message.rewritten) parts.push(el("span", { class: "edited" }, word("edited")));
  parts.push(el("time", {}, clock(message.date)));
  if (message.mine) parts.push(ticks(message.seen, word(message.seen ? "seen" : "sent")));
  return el("span", { class: "meta" }, ...parts);
}

function quote(message) {
  return el(
    "div",
    { class: "quote" },
    el("b", {}, message.from?.first_name || ""),
    el("span", {}, summary(message)),
  );
}

function content(messages, actions) {
  const [message] = messages;
  if (message.photo) return [photos(messages, actions)];
  if (message.document) return messages.map((one) => file(one.document));
  if (message.location) return [place(message.location)];
  if (message.contact) return [card(message.contact, message)];
  if (message.voice) return [voice(message.voice)];
  if (message.sticker) return [el("span", { class: "sticker", role: "img" }, message.sticker.emoji || "🙂")];
  return message.text === undefined ? [el("em", {}, word("unsupported"))] : [];
}

function photos(messages, actions) {
  const count = messages.length;
  const grid = el("div", { class: `photos photos-${count === 1 ? "one" : count === 2 || count === 4 ? "two" : "three"}` });
  for (const message of messages) {
    const sizes = message.photo;
    const shown = sizes[sizes.length - 1];
    const image = el("img", {
      src: `/play/files/${encodeURIComponent(shown.file_id)}`,
      width: shown.width,
      height: shown.height,
      alt: message.caption || word("photo"),
      decoding: "async",
    });
    if (message.has_media_spoiler) image.className = "veiled";
    grid.append(
      el(
        "button",
        { type: "button", class: "photo", "aria-label": word("open_photo"), onclick: () => actions.view(image.src, image.alt) },
        image,
      ),
    );
  }
  return grid;
}

function file(document) {
  const name = document.file_name || word("document");
  const suffix = name.includes(".") ? name.split(".").pop().slice(0, 4).toUpperCase() : "";
  return el(
    "a",
    { class: "file", href: `/play/files/${encodeURIComponent(document.file_id)}`, download: name },
    el("span", { class: "file-kind", "aria-hidden": "true" }, suffix || icon("file")),
    el("span", { class: "file-text" }, el("b", {}, name), el("small", {}, size(document.file_size || 0))),
  );
}

// Streets drawn from the coordinates themselves: no map comes from outside, and no two places look alike.
function place({ latitude, longitude }) {
  const turn = (seed) => ((Math.sin(seed * 12.9898) * 43758.5453) % 1 + 1) % 1;
  const shapes = [["rect", { width: 280, height: 150, class: "map-ground" }]];
  for (let index = 0; index < 5; index += 1) {
    const [x, y] = [turn(latitude + index) * 280, turn(longitude + index * 3) * 150];
    shapes.push(["rect", { x: x - 24, y: y - 16, width: 34 + turn(x) * 34, height: 24 + turn(y) * 26, rx: 4, class: index === 2 ? "map-park" : "map-house" }]);
  }
  for (let index = 0; index < 3; index += 1) {
    const y = 18 + index * 48 + turn(latitude * (index + 1)) * 18;
    shapes.push(["path", { d: `M-5 ${y} L285 ${y + (turn(longitude + index) - 0.5) * 46}`, class: index === 1 ? "map-road map-road-big" : "map-road" }]);
    const x = 40 + index * 84 + turn(longitude * (index + 2)) * 24;
    shapes.push(["path", { d: `M${x} -5 L${x + (turn(latitude + index) - 0.5) * 50} 155`, class: "map-road" }]);
  }
  shapes.push(["ellipse", { cx: 140, cy: 96, rx: 12, ry: 4, class: "map-shadow" }]);
  shapes.push(["path", { d: "M140 95c14-17 21-25 21-36a21 21 0 1 0-42 0c0 11 7 19 21 36z", class: "map-pin" }]);
  shapes.push(["circle", { cx: 140, cy: 59, r: 8, class: "map-dot" }]);
  return el(
    "div",
    { class: "place" },
    svg("0 0 280 150", "map", ...shapes),
    el("span", { class: "place-text" }, `${word("location")} ${latitude.toFixed(5)}, ${longitude.toFixed(5)}`),
  );
}

function card(contact, message) {
  const name = [contact.last_name, contact.first_name].filter(Boolean).join(" ");
  const own = contact.user_id !== undefined && contact.user_id === message.from?.id;
  return el(
    "div",
    { class: "contact" },
    avatar(name, contact.user_id || 3),
    el(
      "span",
      { class: "contact-text" },
      el("b", {}, name),
      el("span", {}, contact.phone_number),
      own && el("small", {}, word("own_number")),
    ),
  );
}

function voice({ duration }) {
  const bars = [];
  for (let index = 0; index < 26; index += 1) {
    const height = 5 + Math.abs(Math.sin(index * 1.7 + duration)) * 17;
    bars.push(["rect", { x: index * 5, y: 12 - height / 2, width: 3, height, rx: 1.5 }]);
  }
  return el(
    "div",
    { class: "voice" },
    el("span", { class: "voice-play", "aria-hidden": "true" }, icon("play")),
    svg("0 0 130 24", "wave", ...bars),
    el("small", {}, `0:${String(duration % 60).padStart(2, "0")}`),
  );
}

function inlineKeyboard(message, actions) {
  const rows = message.reply_markup?.inline_keyboard;
  if (!rows) return null;
  return el(
    "div",
    { class: "inline", role: "group" },
    ...rows.map((buttons) => el("div", { class: "inline-row" }, ...buttons.map((button) => inlineButton(message, button, actions)))),
  );
}

function inlineButton(message, button, actions) {
  const mark = button.url ? icon("out") : button.copy_text ? icon("copy") : null;
  const node = el(
    "button",
    { type: "button", class: `key${button.style ? ` key-${button.style}` : ""}` },
    el("span", {}, button.text),
    mark,
  );
  node.addEventListener("click", () => actions.press(message, button, node));
  return node;
}

// What slides over the chat: people, attachments, questions, a photo in full.

import { $, avatar, el, icon, request } from "./dom.js";
import { word } from "./words.js";

function open(dialog, ...children) {
  dialog.replaceChildren(...children);
  if (!dialog.open) dialog.showModal();
  return dialog;
}

// A tap beside a sheet closes it, as people expect on a phone.
for (const id of ["sheet", "people-sheet", "viewer"]) {
  $(id).addEventListener("click", (event) => {
    if (event.target === event.currentTarget) event.currentTarget.close();
  });
}

function buttons(dialog, label, onclick) {
  return el(
    "div",
    { class: "buttons" },
    el("button", { type: "button", class: "button", onclick: () => dialog.close() }, word("cancel")),
    el("button", { type: "submit", class: "button button-main", onclick }, label),
  );
}

export function tell(text) {
  const box = $("box");
  const close = () => box.close();
  open(
    box,
    el("p", { class: "said" }, text),
    el("div", { class: "buttons" }, el("button", { type: "button", class: "button button-main", onclick: close }, word("ok"))),
  );
}

export function view(source, description) {
  const viewer = $("viewer");
  open(
    viewer,
    el("img", { src: source, alt: description }),
    el("button", { type: "button", "aria-label": word("close"), onclick: () => viewer.close() }, icon("close")),
  );
}

export function askContact(me, share) {
  const box = $("box");
  open(
    box,
    el("h2", { class: "title" }, word("contact_title")),
    el("p", { class: "hint" }, word("contact_text")),
    el(
      "div",
      { class: "contact" },
      avatar(me.first_name, me.id),
      el("span", { class: "contact-text" }, el("b", {}, me.first_name), el("span", {}, me.phone)),
    ),
    buttons(box, word("contact_share"), () => {
      box.close();
      share();
    }),
  );
}

export function askLocation(send) {
  const sheet = $("sheet");
  const latitude = el("input", { type: "number", step: "any", min: "-90", max: "90", required: true, value: "30.59276" });
  const longitude = el("input", { type: "number", step: "any", min: "-180", max: "180", required: true, value: "114.30525" });
  const here = () =>
    navigator.geolocation?.getCurrentPosition(({ coords }) => {
      latitude.value = coords.latitude.toFixed(5);
      longitude.value = coords.longitude.toFixed(5);
    });
  const form = el(
    "form",
    { class: "form" },
    el(
      "div",
      { class: "pair" },
      el("label", {}, word("latitude"), latitude),
      el("label", {}, word("longitude"), longitude),
    ),
    el("button", { type: "button", class: "button", onclick: here }, word("here")),
    buttons(sheet, word("send")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sheet.close();
    send(Number(latitude.value), Number(longitude.value));
  });
  open(sheet, el("h2", { class: "title" }, word("location_title")), form);
}

export function askAttachment(choices) {
  const sheet = $("sheet");
  const pick = (run) => () => {
    sheet.close();
    run();
  };
  const choice = (name, tint, run) =>
    el("button", { type: "button", class: "choice", onclick: pick(run) }, el("span", { class: `tint-${tint}` }, icon(name === "document" ? "file" : name === "location" ? "pin" : name)), word(name));
  open(
    sheet,
    el(
      "div",
      { class: "choices" },
      choice("photo", 1, choices.photo),
      choice("document", 6, choices.document),
      choice("location", 3, choices.location),
    ),
  );
}

export function askPhotos(files, send) {
  const sheet = $("sheet");
  const sources = files.map((file) => URL.createObjectURL(file));
  const caption = el("input", { class: "caption", type: "text", maxlength: "1024", placeholder: word("caption"), "aria-label": word("caption") });
  const form = el(
    "form",
    {},
    el("div", { class: "previews" }, ...sources.map((source, index) => el("img", { src: source, alt: files[index].name }))),
    caption,
    buttons(sheet, word("send")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sheet.close();
    send(caption.value.trim());
  });
  sheet.addEventListener("close", () => sources.forEach((source) => URL.revokeObjectURL(source)), { once: true });
  open(sheet, el("h2", { class: "title" }, word("photos_title")), form);
}

export function showCommands(commands, say) {
  const sheet = $("sheet");
  open(
    sheet,
    el("h2", { class: "title" }, word("menu")),
    ...commands.map(({ command, description }) =>
      el(
        "button",
        {
          type: "button",
          class: "suggestion",
          onclick: () => {
            sheet.close();
            say(`/${command}`);
          },
        },
        el("b", {}, `/${command}`),
        el("span", {}, description),
      ),
    ),
  );
}

// The people, and for the one chosen what they need to prove who they are. Drawn again only where something
// changed: a form half filled in stays, and a button does not vanish under a finger.
export function drawPeople(container, everybody, me, actions) {
  const language = document.documentElement.lang;
  const shown = JSON.stringify([everybody, me?.id]);
  let panel = container.querySelector(".people");
  if (panel?.lang !== language) {
    panel = el(
      "section",
      { class: "people", lang: language, "aria-label": word("people") },
      el("h2", { class: "title" }, word("people")),
      el("div"),
      addForm(actions),
      el("p", { class: "note" }, word("playground")),
    );
    container.replaceChildren(panel);
  }
  if (panel.shown === shown) return;
  panel.shown = shown;
  // With nobody there the form lies open; it closes once when people appear.
  const alone = !everybody.length;
  if (panel.alone !== alone) panel.querySelector("details").open = alone;
  panel.alone = alone;
  panel.children[1].replaceWith(everybody.length ? peopleList(everybody, me, actions) : el("p", { class: "hint" }, word("nobody")));
}

function peopleList(everybody, me, actions) {
  const list = el("ul", { class: "people-list" });
  for (const person of everybody) {
    const current = me !== null && person.id === me.id;
    const name = [person.last_name, person.first_name].filter(Boolean).join(" ");
    list.append(
      el(
        "li",
        {},
        el(
          "button",
          { type: "button", class: "person", "aria-current": current ? "true" : null, onclick: () => actions.choose(person.id) },
          avatar(person.first_name, person.id),
          el("span", { class: "person-text" }, el("b", {}, name), el("small", {}, (person.note || "").split("\n")[0] || person.phone)),
          current && icon("check"),
        ),
        current && needs(person, actions),
      ),
    );
  }
  return list;
}

function needs(person, actions) {
  const card = el("div", { class: "needs" });
  const lines = (person.note || "").split("\n").map((line) => line.trim()).filter(Boolean);
  // The list shows a first line without a value already: it says who this is.
  if (lines.length && !/[:：]/.test(lines[0])) lines.shift();
  const known = lines.some((line) => line.includes(person.phone));
  if (lines.length) card.append(el("h3", {}, word("prove")));
  for (const line of known ? lines : [...lines, person.phone]) {
    const [, label, value] = /^([^:：]{1,40})[:：]\s*(.+)$/.exec(line) || [null, "", line];
    const usable = label || value === person.phone;
    card.append(
      el(
        "div",
        { class: "need" },
        el("span", { class: "need-text" }, label && el("small", {}, label), el(usable ? "b" : "span", {}, value)),
        usable && el("button", { type: "button", onclick: () => actions.fill(value) }, word("fill")),
      ),
    );
  }
  card.append(
    el(
      "button",
      { type: "button", class: "button button-quiet", onclick: actions.block },
      icon("block"),
      word(person.blocked ? "unblock" : "block"),
    ),
  );
  return card;
}

function addForm(actions) {
  const first = el("input", { type: "text", maxlength: "64", required: true });
  const phone = el("input", { type: "tel", maxlength: "32", placeholder: "+86…" });
  const language = el(
    "select",
    {},
    el("option", { value: "zh-hans" }, "中文"),
    el("option", { value: "en" }, "English"),
  );
  const form = el(
    "form",
    { class: "form" },
    el("label", {}, word("first_name"), first),
    el("label", {}, word("phone"), phone),
    el("label", {}, word("language"), language),
    el("button", { type: "submit", class: "button button-main" }, word("create")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const person = { first_name: first.value.trim(), language_code: language.value };
    if (phone.value.trim()) person.phone = phone.value.trim();
    actions.add(person, form);
  });
  return el("details", { class: "add" }, el("summary", {}, icon("plus"), word("add")), form);
}

export function showPeople() {
  if (!$("people-sheet").open) $("people-sheet").showModal();
}

export async function post(path, body) {
  return (await request("POST", path, body)).content;
}

// The foot of the chat: writing, commands, reply keyboards, attachments.

import { $, el, icon } from "./dom.js";
import { askAttachment, askContact, askLocation, askPhotos, showCommands } from "./sheets.js";
import { word } from "./words.js";

export class Composer {
  // `send` has one function for each thing a person can send; `person()` is who sends it.
  constructor(person, send, refresh) {
    this.person = person;
    this.send = send;
    this.refresh = refresh;
    this.folded = false;
    this.chosen = -1;
    this.text = $("text");
    $("send").append(icon("send"));
    $("attach").append(icon("attach"));
    $("toggle-keyboard").append(icon("keys"));
    $("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.text.addEventListener("input", () => this.typed());
    this.text.addEventListener("keydown", (event) => this.pressed(event));
    $("attach").addEventListener("click", () => this.attach());
    $("menu").addEventListener("click", async () => {
      await this.refresh();
      showCommands(this.commands(), this.send.text);
    });
    $("toggle-keyboard").addEventListener("click", () => {
      this.folded = !this.folded;
      this.drawKeyboard();
    });
    $("start").addEventListener("click", () => this.send.start());
    $("unblock").addEventListener("click", () => this.send.unblock());
    $("pick-photos").addEventListener("change", (event) => this.photos(event.target));
    $("pick-documents").addEventListener("change", (event) => {
      const files = [...event.target.files];
      event.target.value = "";
      if (files.length) this.send.files("document", files, "");
    });
  }

  commands() {
    return this.person()?.bot?.commands || [];
  }

  // Brings the foot in line with the person: start, write or unblock; the menu; the reply keyboard.
  draw(mode) {
    $("start").hidden = mode !== "start";
    $("start").textContent = word("start");
    $("unblock").hidden = mode !== "blocked";
    $("unblock").textContent = word("unblock");
    $("composer").hidden = mode !== "write";
    const menu = $("menu");
    menu.hidden = !this.commands().length;
    menu.setAttribute("aria-label", word("menu"));
    menu.replaceChildren(icon("menu"), el("span", {}, word("menu")));
    this.text.setAttribute("aria-label", word("message"));
    $("send").setAttribute("aria-label", word("send"));
    $("attach").setAttribute("aria-label", word("attach"));
    this.mode = mode;
    this.drawKeyboard();
    this.typed();
  }

  drawKeyboard() {
    const markup = this.mode === "write" ? this.person()?.keyboard : null;
    const keyboard = $("keyboard");
    const toggle = $("toggle-keyboard");
    this.text.placeholder = markup?.input_field_placeholder || word("message");
    toggle.hidden = !markup || Boolean(markup.is_persistent && !this.folded);
    toggle.setAttribute("aria-pressed", String(Boolean(markup && !this.folded)));
    toggle.setAttribute("aria-label", word(this.folded ? "show_keyboard" : "hide_keyboard"));
    keyboard.hidden = !markup || this.folded;
    // A button must not be exchanged under a finger: only a keyboard that is another one is drawn.
    const shown = JSON.stringify(markup?.keyboard);
    if (keyboard.shown === shown) return;
    keyboard.shown = shown;
    keyboard.replaceChildren(
      ...(markup?.keyboard || []).map((row) => el("div", { class: "keyboard-row" }, ...row.map((button) => this.key(button)))),
    );
  }

  key(button) {
    // A label that begins with a picture of its own needs no second one.
    const plain = !/^\p{Extended_Pictographic}/u.test(button.text);
    const mark = !plain ? null : button.request_contact ? icon("phone") : button.request_location ? icon("pin") : null;
    const run = () => {
      if (button.request_contact) askContact(this.person(), this.send.contact);
      else if (button.request_location) askLocation(this.send.location);
      else this.send.text(button.text);
    };
    return el("button", { type: "button", onclick: run }, mark, el("span", {}, button.text));
  }

  // A one-time keyboard folds away once the person has answered.
  used() {
    if (!this.person()?.keyboard?.one_time_keyboard) return;
    this.folded = true;
    this.drawKeyboard();
  }

  shown() {
    this.folded = false;
    this.drawKeyboard();
  }

  fill(value) {
    const before = this.text.value;
    this.text.value = before && !/\s$/.test(before) ? `${before} ${value}` : before + value;
    this.typed();
    this.text.focus();
  }

  typed() {
    const { text } = this;
    text.style.height = "auto";
    text.style.height = `${Math.min(text.scrollHeight, 140)}px`;
    $("send").disabled = !text.value.trim();
    $("menu").classList.toggle("menu-small", text.value !== "");
    const start = /^\/(\w*)$/.exec(text.value);
    const found = start ? this.commands().filter(({ command }) => command.startsWith(start[1].toLowerCase())) : [];
    this.chosen = found.length ? Math.min(Math.max(this.chosen, 0), found.length - 1) : -1;
    const box = $("suggestions");
    box.hidden = !found.length;
    box.replaceChildren(
      ...found.map(({ command, description }, index) =>
        el(
          "button",
          {
            type: "button",
            class: "suggestion",
            role: "option",
            tabindex: "-1",
            id: `command-${command}`,
            "aria-selected": String(index === this.chosen),
            onclick: () => this.take(`/${command}`),
          },
          el("b", {}, `/${command}`),
          el("span", {}, description),
        ),
      ),
    );
    if (this.chosen >= 0) text.setAttribute("aria-activedescendant", `command-${found[this.chosen].command}`);
    else text.removeAttribute("aria-activedescendant");
    this.found = found;
  }

  pressed(event) {
    // While an input method composes a word, Enter belongs to it.
    if (event.isComposing || event.keyCode === 229) return;
    if (this.found.length && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.chosen = (this.chosen + step + this.found.length) % this.found.length;
      this.typed();
    } else if (event.key === "Escape") {
      $("suggestions").hidden = true;
    } else if (event.key === "Tab" && this.found.length) {
      event.preventDefault();
      this.text.value = `/${this.found[this.chosen].command} `;
      this.typed();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      if (this.found.length && !$("suggestions").hidden) this.take(`/${this.found[this.chosen].command}`);
      else this.submit();
    }
  }

  take(command) {
    this.text.value = "";
    this.typed();
    this.send.text(command);
    this.text.focus();
  }

  async submit() {
    const words = this.text.value.trim();
    if (!words) return;
    this.text.value = "";
    this.typed();
    // What did not go out comes back, unless something new is being written already.
    if (!(await this.send.text(words)) && !this.text.value) {
      this.text.value = words;
      this.typed();
    }
  }

  attach() {
    askAttachment({
      photo: () => $("pick-photos").click(),
      document: () => $("pick-documents").click(),
      location: () => askLocation(this.send.location),
    });
  }

  photos(input) {
    const files = [...input.files].slice(0, 10);
    input.value = "";
    if (files.length) askPhotos(files, (caption) => this.send.files("photo", files, caption));
  }
}

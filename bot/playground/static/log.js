// The messages on the screen: in order, grouped, kept at the end unless somebody reads further up.

import { row } from "./bubbles.js";
import { $, el, icon } from "./dom.js";
import { day, word } from "./words.js";

const NEAR = 90;
const TOGETHER = 300;
const MOST = 500;
const DAY_RESTS = 1200;

export class Log {
  constructor(actions) {
    this.actions = actions;
    this.rows = new Map();
    this.keys = new Map();
    this.unread = 0;
    this.stuck = true;
    this.box = $("log");
    this.scroll = $("scroll");
    let top = 0;
    this.scroll.addEventListener("scroll", () => {
      // Only going up lets go of the end: a keyboard that opens changes the distance too.
      if (this.distance() < NEAR) this.stuck = true;
      else if (this.scroll.scrollTop < top - 1) this.stuck = false;
      top = this.scroll.scrollTop;
      if (this.stuck) this.unread = 0;
      this.drawPill();
      this.showDay();
    });
    $("pill").addEventListener("click", () => this.toEnd(true));
    // Pictures that load and keyboards that open must not push the newest message off the screen.
    const watcher = new ResizeObserver(() => {
      $("foot").parentElement.style.setProperty("--foot", `${$("foot").offsetHeight}px`);
      if (this.stuck) this.toEnd(false);
    });
    for (const node of [this.box, this.scroll, $("foot")]) watcher.observe(node);
  }

  // The day floats above what is being scrolled; at rest it would cover words.
  showDay() {
    const top = this.scroll.getBoundingClientRect().top;
    for (const node of this.box.querySelectorAll(".day")) {
      const next = node.nextElementSibling;
      const edge = node.getBoundingClientRect();
      node.classList.toggle("day-floats", edge.top < top + 12 && next !== null && next.getBoundingClientRect().top < edge.bottom);
    }
    this.scroll.classList.add("scrolling");
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.scroll.classList.remove("scrolling"), DAY_RESTS);
  }

  get size() {
    return this.rows.size;
  }

  clear() {
    this.rows.clear();
    this.keys.clear();
    this.box.replaceChildren();
    this.unread = 0;
    this.stuck = true;
    this.drawPill();
  }

  fill(messages) {
    // One announcement for every old message would bury a screen reader.
    this.box.setAttribute("aria-live", "off");
    for (const message of messages) this.place(message);
    this.toEnd(false);
    requestAnimationFrame(() => this.box.setAttribute("aria-live", "polite"));
  }

  // A message that came.
  add(message) {
    if (this.keys.has(message.message_id)) {
      this.change(message);
      return;
    }
    const node = this.place(message);
    node.classList.add("row-new");
    if (this.stuck || message.mine) this.toEnd(true);
    else {
      this.unread += message.mine ? 0 : 1;
      this.drawPill();
    }
    while (this.box.childElementCount > MOST) this.box.firstElementChild.remove();
  }

  // A message that is different now.
  change(message) {
    const key = this.keys.get(message.message_id);
    const held = this.rows.get(key);
    if (!held) return;
    held.messages = held.messages.map((one) => (one.message_id === message.message_id ? message : one));
    this.draw(held);
    held.node.classList.add("row-changed");
  }

  seen(messageId) {
    const held = this.rows.get(this.keys.get(messageId));
    if (!held) return;
    for (const message of held.messages) if (message.message_id === messageId) message.seen = true;
    const old = held.node.querySelector(".meta");
    const fresh = row(held.messages, this.actions).querySelector(".meta");
    old?.replaceWith(fresh);
  }

  remove(messageId) {
    const key = this.keys.get(messageId);
    const held = this.rows.get(key);
    if (!held) return;
    this.keys.delete(messageId);
    held.messages = held.messages.filter((message) => message.message_id !== messageId);
    if (held.messages.length) {
      this.draw(held);
      return;
    }
    this.rows.delete(key);
    const { node } = held;
    node.style.setProperty("--height", `${node.offsetHeight}px`);
    node.classList.add("row-leaving");
    const gone = () => {
      const [before, after] = [node.previousElementSibling, node.nextElementSibling];
      node.remove();
      if (before?.classList.contains("day") && (!after || after.classList.contains("day"))) before.remove();
      this.dress(before);
      this.dress(after);
    };
    node.addEventListener("animationend", gone, { once: true });
  }

  settle(messageId) {
    const held = this.rows.get(this.keys.get(messageId));
    for (const key of held?.node.querySelectorAll("[aria-busy]") || []) key.removeAttribute("aria-busy");
  }

  place(message) {
    const key = message.media_group_id ? `g${message.media_group_id}` : `m${message.message_id}`;
    this.keys.set(message.message_id, key);
    const held = this.rows.get(key);
    if (held) {
      held.messages.push(message);
      this.draw(held);
      return held.node;
    }
    const node = row([message], this.actions);
    const label = day(message.date);
    if (this.box.dataset.day !== label || !this.box.childElementCount) {
      this.box.dataset.day = label;
      this.box.append(el("div", { class: "day" }, label));
    }
    this.box.append(node);
    const made = { key, messages: [message], node };
    node.held = made;
    this.rows.set(key, made);
    this.dress(node.previousElementSibling);
    this.dress(node);
    return node;
  }

  draw(held) {
    const node = row(held.messages, this.actions);
    node.held = held;
    held.node.replaceWith(node);
    held.node = node;
    this.dress(node);
  }

  // The first of a run stands apart from what came before; the last one has the tail.
  dress(node) {
    if (!node?.held) return;
    node.classList.toggle("row-first", !together(node.previousElementSibling, node));
    node.classList.toggle("row-tail", !together(node, node.nextElementSibling));
  }

  distance() {
    return this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight;
  }

  toEnd(smoothly) {
    this.stuck = true;
    this.unread = 0;
    // A long way is jumped: gliding past a hundred messages helps nobody.
    const behavior = smoothly && this.distance() < 1200 ? "smooth" : "instant";
    this.scroll.scrollTo({ top: this.scroll.scrollHeight, behavior });
    this.drawPill();
  }

  drawPill() {
    const pill = $("pill");
    pill.hidden = this.stuck || this.distance() < NEAR;
    pill.replaceChildren(icon("down"), this.unread ? word("new_messages", this.unread) : word("to_end"));
  }
}

function together(one, other) {
  if (!one?.held || !other?.held) return false;
  const last = one.held.messages[one.held.messages.length - 1];
  const [first] = other.held.messages;
  return last && first && last.mine === first.mine && first.date - last.date < TOGETHER && !last.reply_markup?.inline_keyboard;
}

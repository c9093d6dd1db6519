// The chat page: who sits at the phone, what they see, and what reaches them while they look.

import { Composer } from "./composer.js";
import { $, avatar, el, icon, request } from "./dom.js";
import { Log } from "./log.js";
import { drawPeople, post, showPeople, tell, view } from "./sheets.js";
import { speak, word } from "./words.js";

const LATEST = 200;
const TYPING = 5500;

const query = new URLSearchParams(location.search);
const state = { everybody: [], me: null, payload: query.get("start") || "", source: null, turn: 0 };
const timers = {};

const actions = { say, press, view };
const log = new Log(actions);
const composer = new Composer(() => state.me, { text: say, start, unblock: () => setBlocked(false), contact: () => send("contact", {}), location: (latitude, longitude) => send("location", { latitude, longitude }), files }, refresh);

const path = (rest = "") => `/play/users/${state.me.id}${rest}`;

// Sending

async function send(what, body) {
  try {
    await post(path(`/${what}`), body);
    return true;
  } catch (error) {
    toast(`${word("failed")} (${error.message})`);
    return false;
  }
}

function say(text) {
  return send("messages", { text });
}

function start() {
  const text = state.payload ? `/start ${state.payload}` : "/start";
  state.payload = "";
  remember();
  draw();
  say(text);
}

function files(kind, chosen, caption) {
  const form = new FormData();
  for (const file of chosen) form.append("file", file, file.name);
  if (caption) form.append("caption", caption);
  return send(kind, form);
}

async function press(message, button, node) {
  if (button.url) {
    // A link of the bot's leaves the page only in a tab of its own.
    if (/^https?:/i.test(button.url)) window.open(button.url, "_blank", "noopener,noreferrer");
  } else if (button.copy_text) {
    await navigator.clipboard?.writeText(button.copy_text.text);
    toast(word("copied"));
  } else if (button.callback_data !== undefined) {
    node.setAttribute("aria-busy", "true");
    setTimeout(() => node.removeAttribute("aria-busy"), 30_000);
    if (!(await send("taps", { message_id: message.message_id, data: button.callback_data }))) node.removeAttribute("aria-busy");
  }
}

async function setBlocked(blocked) {
  try {
    const card = await post(path(blocked ? "/block" : "/unblock"));
    Object.assign(state.me, card);
    draw();
  } catch (error) {
    toast(error.message);
  }
}

// Seeing

function toast(text) {
  const node = $("toast");
  node.textContent = text;
  // Shown anew each time, so that it lies above a sheet that opened meanwhile.
  if (node.matches(":popover-open")) node.hidePopover();
  node.showPopover();
  clearTimeout(timers.toast);
  timers.toast = setTimeout(() => node.hidePopover(), 2500 + text.length * 60);
}

function typing(on) {
  clearTimeout(timers.typing);
  if ($("typing").hidden !== on) {
    if (on) timers.typing = setTimeout(() => typing(false), TYPING);
    return;
  }
  $("typing").hidden = !on;
  if (on) {
    timers.typing = setTimeout(() => typing(false), TYPING);
    if (log.stuck) log.toEnd(true);
  }
  status();
}

function status() {
  const node = $("bot-status");
  const busy = !$("typing").hidden;
  const lost = state.source !== null && state.source.readyState !== EventSource.OPEN && state.lost;
  node.textContent = lost ? word("offline") : busy ? word("typing") : state.me?.blocked ? word("blocked") : word("bot");
  node.classList.toggle("busy", busy && !lost);
}

function draw() {
  const { me } = state;
  speak(me?.language_code);
  document.title = me?.bot?.name || "上楼";
  $("bot-name").textContent = me?.bot?.name || "";
  $("bot-avatar").replaceChildren(stairs());
  const chip = $("open-people");
  chip.setAttribute("aria-label", word("switch"));
  chip.replaceChildren(...(me ? [avatar(me.first_name, me.id), el("b", {}, me.first_name)] : [el("b", {}, word("people"))]), icon("down"));
  const empty = me !== null && log.size === 0;
  document.querySelector(".intro")?.remove();
  if (empty) $("scroll").prepend(intro(me.bot));
  composer.draw(!me ? "nobody" : me.blocked ? "blocked" : empty || state.payload ? "start" : "write");
  log.drawPill();
  status();
  drawPanels();
}

function intro(bot) {
  const face = el("span", { class: "avatar avatar-bot", "aria-hidden": "true" }, stairs());
  const about = bot?.description || bot?.short_description;
  return el("div", { class: "intro" }, face, el("b", {}, about ? word("what") : bot?.name || ""), about && el("p", {}, about));
}

function stairs() {
  const node = icon("check");
  node.firstChild.setAttribute("d", "M4 19h5v-5h5V9h5V4");
  return node;
}

// People

const peopleActions = {
  choose: (id) => {
    const other = id !== state.me?.id;
    if (other) choose(id);
    else $("people-sheet").close();
  },
  fill: (value) => {
    $("people-sheet").close();
    composer.fill(value);
  },
  block: () => {
    $("people-sheet").close();
    setBlocked(!state.me.blocked);
  },
  add: async (person, form) => {
    try {
      const made = await post("/play/users", person);
      form.reset();
      await choose(made.id);
      $("people-sheet").close();
    } catch (error) {
      toast(error.message);
    }
  },
};

function drawPanels() {
  state.everybody = state.everybody.map((person) => (person.id === state.me?.id ? { ...person, ...state.me } : person));
  for (const id of ["side", "people-sheet"]) drawPeople($(id), state.everybody, state.me, peopleActions);
}

async function choose(id) {
  state.turn += 1;
  const { turn } = state;
  state.source?.close();
  try {
    const [everybody, card, messages] = await Promise.all([
      request("GET", "/play/users"),
      request("GET", `/play/users/${id}`),
      request("GET", `/play/users/${id}/messages?limit=${LATEST}`),
    ]);
    if (turn !== state.turn) return;
    state.everybody = everybody.content;
    state.me = card.content;
    log.clear();
    typing(false);
    speak(state.me.language_code);
    log.fill(messages.content);
    composer.folded = Boolean(state.me.keyboard_used && state.me.keyboard?.one_time_keyboard);
    remember();
    draw();
    listen(turn, messages.event);
  } catch {
    if (turn === state.turn) timers.again = setTimeout(begin, 2000);
  }
}

function remember() {
  const address = new URL(location.href);
  address.searchParams.set("user", state.me.id);
  if (!state.payload) address.searchParams.delete("start");
  history.replaceState(null, "", address);
}

async function refresh() {
  const { me } = state;
  const { content } = await request("GET", path());
  if (state.me !== me) return;
  Object.assign(me, content);
  draw();
}

// What reaches the phone

function listen(turn, since) {
  const source = new EventSource(path(`/events?since=${since}`));
  state.source = source;
  const on = (kind, run) =>
    source.addEventListener(kind, (event) => {
      if (turn === state.turn) run(JSON.parse(event.data));
    });
  on("message", (message) => {
    const first = log.size === 0 || state.payload;
    if (!message.mine) typing(false);
    log.add(message);
    state.me.started = true;
    if (first) draw();
    // The bot may have set other commands for this person with what it just did.
    clearTimeout(timers.refresh);
    timers.refresh = setTimeout(() => refresh().catch(() => {}), 600);
  });
  on("edited", (message) => log.change(message));
  on("deleted", ({ message_ids: gone }) => {
    for (const id of gone) log.remove(id);
    if (log.size === 0) draw();
  });
  on("seen", ({ message_id: id }) => log.seen(id));
  on("action", () => typing(true));
  on("answer", ({ message_id: id, text, show_alert: alert }) => {
    log.settle(id);
    if (text && alert) tell(text);
    else if (text) toast(text);
  });
  on("keyboard", ({ keyboard }) => {
    state.me.keyboard = keyboard;
    composer.shown();
  });
  on("keyboard_used", () => composer.used());
  on("blocked", ({ blocked }) => {
    state.me.blocked = blocked;
    draw();
  });
  on("reset", () => choose(state.me.id));
  source.addEventListener("open", () => {
    state.lost = false;
    status();
  });
  source.addEventListener("error", () => {
    state.lost = true;
    status();
    if (source.readyState === EventSource.CLOSED && turn === state.turn) timers.again = setTimeout(begin, 2000);
  });
}

async function begin() {
  clearTimeout(timers.again);
  try {
    state.everybody = (await request("GET", "/play/users")).content;
  } catch {
    timers.again = setTimeout(begin, 2000);
    return;
  }
  const wanted = Number(new URLSearchParams(location.search).get("user"));
  const known = state.everybody.find((person) => person.id === wanted) || state.everybody[0];
  if (known) await choose(known.id);
  else {
    state.me = null;
    draw();
    if (getComputedStyle($("side")).display === "none") showPeople();
  }
}

$("open-people").addEventListener("click", async () => {
  state.everybody = (await request("GET", "/play/users")).content;
  drawPanels();
  showPeople();
});

draw();
begin();

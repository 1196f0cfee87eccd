/*
 * chat.js - the chat page: columns, bubbles, scenes, and the state strip.
 *
 * Everything shown comes from two calls: /_sim/events, a long poll that tells
 * what was said and answered, and /_sim/state, asked twice a second.
 *
 * Shortcuts against the real thing: a push with a text belongs to the oldest
 * message of its user that is still open, one of a sound alone to none; after
 * NO_ANSWER_MS a user counts as idle.
 */
"use strict";

const STATE_MS = 500;
const RETRY_MS = 1000;
const NO_ANSWER_MS = 65000;
const FRESH_MS = 3000;
const SAMPLE_WORDS = "What helps against a cold?";
const KINDS = {
  answered: "answered", busy: "system busy", slow: "slow down",
  other: "apology or refusal", nothing: "nothing (yet)",
};

const byId = (id) => document.getElementById(id);
const phones = new Map(); /* LINE user id -> Phone */
let run = null;
let latencyTouched = 0;

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function seconds(ms) {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

async function call(path, body) {
  const options = body && {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const answer = await fetch(path, options);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

/* A voice answer; the simulator fetches it, as LINE would. */
function player(sound) {
  const audio = make("audio", "bubble bot sound");
  audio.controls = true;
  audio.preload = "metadata";
  audio.src = `/_sim${new URL(sound.url).pathname}`;
  audio.setAttribute("aria-label", `Voice answer, ${seconds(sound.ms)}`);
  return audio;
}

/* One user's column. */
class Phone {
  constructor(user) {
    const root = byId("phone").content.firstElementChild.cloneNode(true);
    const label = `${user.name} (${user.role})`;
    this.root = root;
    this.key = user.key;
    this.talk = root.querySelector(".talk");
    this.typing = root.querySelector(".typing");
    this.badge = root.querySelector(".state");
    this.input = root.querySelector("textarea");
    this.quick = root.querySelector(".quick");
    this.open = new Map(); /* event id -> {t, note, late}: not answered yet */
    this.working = null; /* the event the bot works on, as far as we see */
    root.id = user.key;
    root.setAttribute("aria-label", label);
    root.querySelector(".face").textContent = user.name[0];
    root.querySelector("h2").append(
      `${user.name} `, make("small", "", `(${user.role})`));
    this.talk.setAttribute("aria-label", `Conversation of ${label}`);
    this.badge.setAttribute("aria-label", `State of ${user.name}`);
    this.input.placeholder = `Message as ${user.name}`;
    this.input.setAttribute("aria-label", `Message as ${user.name}`);
    this.input.addEventListener("keydown", (key) => this.pressed(key));
    root.querySelector("form").addEventListener("submit", (submit) => {
      submit.preventDefault();
      this.send();
    });
    const file = root.querySelector("input[type=file]");
    root.querySelector(".speak").addEventListener("click", () => file.click());
    file.addEventListener("change", () => {
      if (file.files.length > 0) this.speak(file.files[0]);
      file.value = "";
    });
    this.name({ talk: this.talk, input: this.input, state: this.badge,
      quick: this.quick, file, send: root.querySelector("[type=submit]") });
    byId("phones").append(root);
  }

  /* Ids for who looks from outside. */
  name(parts) {
    for (const [part, element] of Object.entries(parts)) {
      element.id = `${this.key}-${part}`;
    }
  }

  pressed(key) {
    if (key.key === "Enter" && !key.shiftKey && !key.isComposing) {
      key.preventDefault();
      this.send();
    }
  }

  send() {
    const text = this.input.value;
    if (!text.trim()) return;
    this.input.value = "";
    this.say(text);
  }

  say(text) {
    call("/_sim/say", { user: this.key, text })
      .catch(() => this.append(make("p", "note user bad", "not sent")));
  }

  /* What the recording says is told beside it: the simulator has no ears. */
  async speak(file) {
    const words = this.input.value.trim() || SAMPLE_WORDS;
    this.input.value = "";
    try {
      const bytes = new Uint8Array(await file.arrayBuffer());
      let text = "";
      for (let i = 0; i < bytes.length; i += 8192) {
        text += String.fromCharCode(...bytes.subarray(i, i + 8192));
      }
      await call("/_sim/speak", { user: this.key, audio: btoa(text), words });
    } catch {
      this.append(make("p", "note user bad", "not sent"));
    }
  }

  append(...elements) {
    const empty = this.talk.querySelector(".empty");
    if (empty) empty.remove();
    this.talk.append(...elements);
    this.talk.scrollTop = this.talk.scrollHeight;
  }

  /* Not when the page shows again what was said before. */
  reveal(entry) {
    if (Date.now() - entry.t < FRESH_MS) {
      this.root.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }

  show(state) {
    this.badge.textContent = state;
    this.badge.className = `state ${state}`;
  }

  /* As in LINE they belong to the last message, and go with their use. */
  offer(buttons) {
    this.quick.hidden = buttons.length === 0;
    this.quick.replaceChildren(...buttons.map(({ label, text }) => {
      const button = make("button", "", label);
      button.type = "button";
      button.addEventListener("click", () => {
        this.offer([]);
        this.say(text);
        this.input.focus();
      });
      return button;
    }));
  }

  said(entry) {
    this.offer([]);
    const note = make("p", "note user", "sending…");
    this.append(make("div", "bubble user", entry.text), note);
    this.open.set(entry.event, { t: entry.t, note });
    this.reveal(entry);
  }

  received(entry) {
    const open = this.open.get(entry.event);
    const good = entry.status === 200;
    if (!open) return;
    open.note.textContent = good
      ? `webhook 200 in ${seconds(entry.seconds * 1000)}`
      : entry.status ? `webhook answered ${entry.status}` : "no webhook answer";
    open.note.classList.toggle("bad", !good);
    open.late = good && this.working !== null && this.working !== entry.event;
    if (good && !this.working && Date.now() - entry.t < NO_ANSWER_MS) {
      this.work(entry.event, entry.t);
    }
  }

  work(event, since) {
    this.working = event;
    this.show("busy");
    setTimeout(() => {
      if (this.working === event) this.rest();
    }, since + NO_ANSWER_MS - Date.now());
  }

  rest() {
    this.working = null;
    this.show("idle");
    this.open.forEach((open, event) => {
      if (!open.late) return;
      open.note.textContent = "dropped: the bot was busy";
      this.open.delete(event);
    });
  }

  answered(entry) {
    const alone = entry.texts.length === 0;
    const event = entry.event || (alone ? undefined
      : this.open.keys().next().value);
    const open = this.open.get(event);
    for (const text of entry.texts) {
      this.append(make("div", "bubble bot", text));
    }
    for (const sound of entry.sounds) this.append(player(sound));
    this.append(make("p", "note", open
      ? `answered in ${seconds(entry.t - open.t)}, ${entry.how}`
      : entry.how));
    if (open && open.note.textContent === "sending…") open.note.remove();
    this.open.delete(event);
    this.offer(entry.buttons);
    this.talk.scrollTop = this.talk.scrollHeight;
    this.reveal(entry);
    if (event === undefined) return;
    this.typing.hidden = true;
    if (event === this.working || !entry.event) this.rest();
  }

  loading(entry) {
    const left = entry.t + entry.seconds * 1000 - Date.now();
    if (left <= 0) return;
    clearTimeout(this.typingTimer);
    this.typing.hidden = false;
    this.typingTimer = setTimeout(() => { this.typing.hidden = true; }, left);
    this.talk.scrollTop = this.talk.scrollHeight;
  }
}

function happened(entry) {
  if (entry.kind === "webhook") {
    phones.forEach((phone) => phone.received(entry));
    return;
  }
  const phone = phones.get(entry.user);
  if (!phone) return;
  if (entry.kind === "said") phone.said(entry);
  else if (entry.kind === "answer") phone.answered(entry);
  else if (entry.kind === "loading") phone.loading(entry);
}

function checkRun(now) {
  if (run !== null && run !== now) location.reload();
  run = now;
}

async function followEvents() {
  let cursor = 0;
  for (;;) {
    try {
      const news = await call(`/_sim/events?cursor=${cursor}`);
      checkRun(news.run);
      cursor = news.cursor;
      news.events.forEach(happened);
    } catch (error) {
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }
}

function showApp(state) {
  const counts = byId("app-counts");
  const app = state.app;
  if (app.error) {
    counts.textContent = `App: ${app.error}. Model: ${state.model_running} `
      + "calls running.";
    byId("app-sessions").replaceChildren();
    return;
  }
  counts.replaceChildren(
    "App: ", make("b", "", app.active), " active of ",
    make("b", "", app.total), " known · model calls: ",
    make("b", "", state.model_running));
  const sessions = [...app.sessions].sort(
    (a, b) => (a.state === "idle") - (b.state === "idle"));
  byId("app-sessions").replaceChildren(...sessions.slice(0, 12).map((one) =>
    make("span", `chip ${one.state}`,
      `${one.user.slice(0, 6)} ${one.state}`)));
}

function showScene(scene) {
  byId("scene").hidden = !scene;
  document.querySelectorAll("#scenes button").forEach((button) =>
    button.setAttribute("aria-pressed",
      String(Boolean(scene) && scene.name === button.dataset.scene)));
  if (!scene) return;
  byId("scene-title").textContent = scene.title;
  byId("scene-expect").textContent = scene.expect;
  const rows = Object.keys(KINDS).map((kind) => {
    const row = make("div");
    row.append(make("span", `dot ${kind}`), make("dt", "", KINDS[kind]),
      make("dd", "", scene.counts[kind]));
    return row;
  });
  if (scene.refused) {
    const row = make("div");
    row.append(make("dt", "", "webhook refused"),
      make("dd", "", scene.refused));
    rows.push(row);
  }
  byId("scene-counts").replaceChildren(...rows);
  const bar = byId("scene-bar");
  if (!bar.children.length) {
    bar.append(...Object.keys(KINDS).map((kind) => make("i", kind)));
  }
  [...bar.children].forEach((part) => {
    part.style.flexGrow = scene.counts[part.className];
  });
}

function showLatency(ms) {
  byId("latency-value").textContent = seconds(ms);
}

async function askState() {
  const state = await call("/_sim/state");
  checkRun(state.run);
  showApp(state);
  showScene(state.scene);
  if (Date.now() - latencyTouched > 2000 && state.latency_ms !== null) {
    byId("latency").value = state.latency_ms;
    showLatency(state.latency_ms);
  }
  return state;
}

async function followState() {
  for (;;) {
    try {
      await askState();
    } catch (error) {
      byId("app-counts").textContent = "The simulator has stopped.";
      byId("app-sessions").replaceChildren();
    }
    await new Promise((done) => setTimeout(done, STATE_MS));
  }
}

function startScene(name) {
  call("/_sim/scene", { name }).then(showScene, () => {});
}

byId("latency").addEventListener("input", (input) => {
  latencyTouched = Date.now();
  showLatency(Number(input.target.value));
});
byId("latency").addEventListener("change", (change) => {
  latencyTouched = Date.now();
  call("/_sim/settings", { latency_ms: Number(change.target.value) })
    .catch(() => {});
});

askState().then((state) => {
  state.users.forEach((user) => phones.set(user.id, new Phone(user)));
  state.scenes.forEach((scene) => {
    const button = make("button", "", scene.title);
    button.type = "button";
    button.dataset.scene = scene.name;
    button.addEventListener("click", () => startScene(scene.name));
    byId("scenes").append(button);
  });
  followEvents();
  followState();
});

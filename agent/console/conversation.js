// One conversation of the console: its connection, its response under way, and its display. Text is only ever set as text.
"use strict";

const byId = (id) => document.getElementById(id);
const ENDS = ["response.completed", "response.incomplete", "response.failed"];

// ---- foreign text

// Control characters, and characters that are invisible or change the order of others. Of these only the line feed and the tab are shown
// unchanged. U+200C and U+200D are kept, too: Persian and emoji need them.
const UNSEEN = /[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

function visible(text) {
  return String(text).replaceAll("\r\n", "\n").replace(UNSEEN, (character) => {
    const code = character.codePointAt(0);
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);  // the picture of a control character, such as that of escape
    return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
  });
}

function write(node, text) { node.textContent = visible(text); }

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) write(made, text);
  return made;
}

// Only spaces are added: parsing would round large numbers, and a person approves what is shown.
function spaced(json) {
  return (json || "").replace(/("(?:[^"\\]|\\.)*")|([,:])\s*/gs, (_, string, mark) => string ?? mark + " ");
}

function textOf(item) { return (item.content || []).map((part) => part.text || "").join(""); }

function nullWhereGone(error) {
  if (error.status !== 404) throw error;
  return null;
}

// ---- the conversation

// It has its own connection for its events, and its own node: events of one conversation cannot appear in another.
// `page` (console.js) shows the node of one of them at a time: isShown, changed (state or connection), renamed (a new id).
class Conversation {
  // id: empty before its first response
  node = element("div", "conversation");  // all that was drawn of it
  drawn = new Map();                      // item id -> its element
  state = "idle";                         // or loading, starting (no response.created yet), running
  response = null;                        // {id, last}: the newest, and the last sequence number seen of it
  request = null;                         // {message, undo}: the response.create that no response has answered yet
  waiting = [];                           // {input, undo}: decided while a response was under way
  newest = "";                            // the response of the journal's last item, as far as it is known here
  steered = false;                        // the response under way will have a successor
  draft = "";
  following = true;                       // the end of the log, until the person scrolls up
  top = 0;
  socket = null;
  patience = 500;

  constructor(page, id = "") { [this.page, this.id] = [page, id]; }

  // ---- its connection

  get connected() { return this.socket?.readyState === WebSocket.OPEN; }

  connect() {
    const url = location.origin.replace(/^http/, "ws") + "/v1/responses";
    const socket = new WebSocket(url, session.token ? ["baton", "bearer." + session.token] : ["baton"]);
    this.socket = socket;
    socket.onopen = () => {
      if (socket !== this.socket) return;
      this.patience = 500;
      if (this.state === "starting" && this.request) this.say(this.request.message);  // its key keeps it from starting twice
      if (this.state === "running") this.say({ type: "baton.resume", response_id: this.response.id, starting_after: this.response.last });
      if (this.state === "idle" && this.id) this.refresh();
      this.page.changed(this);
    };
    socket.onmessage = (message) => {
      if (socket === this.socket) this.take(JSON.parse(message.data));
    };
    socket.onclose = () => {
      if (socket !== this.socket) return;
      this.page.changed(this);
      setTimeout(() => socket === this.socket && this.connect(), this.patience);
      this.patience = Math.min(this.patience * 2, 10000);
    };
  }

  disconnect() {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  say(message) {
    if (this.connected) this.socket.send(JSON.stringify(message));
    return this.connected;
  }

  become(state) {
    this.state = state;
    if (state === "idle") this.sendNext();
    if (this.state === "idle" && !this.page.isShown(this)) this.disconnect();
    this.page.changed(this);
  }

  // ---- actions of the person

  // Sent at once, or after the response under way. `undo`: called if the daemon refuses it.
  ask(input, undo) {
    this.waiting.push({ input, undo });
    if (this.state === "idle") this.sendNext();
  }

  sendNext() {
    if (!this.waiting.length) return;
    const { input, undo } = this.waiting.shift();
    const message = { type: "response.create", input, tools: [{ type: "mcp", server_label: "baton" }] };
    message["baton.key"] = "console-" + crypto.getRandomValues(new Uint32Array(4)).join("-");
    // A message continues the conversation as shown here. A decision about a call is checked against its current state, never in a copy.
    if (typeof input === "string" && this.response) message.previous_response_id = this.response.id;
    else if (this.id) message.conversation = this.id;
    this.request = { message, undo };
    this.become("starting");
    this.say(message);  // or once there is a connection
  }

  // A message of the person. Returns false if it cannot be sent now.
  submit(text) {
    if (this.state === "running") {
      if (!this.say({ type: "response.steer", previous_response_id: this.response.id, input: text })) return false;
    } else if (this.state !== "idle") {
      return false;
    }
    this.following = true;
    this.add(element("p", "message user", text));
    if (this.state === "idle") this.ask(text);
    return true;
  }

  cancel() {
    if (!this.say({ type: "baton.cancel", response_id: this.response.id })) this.note("not connected: nothing was cancelled", true);
  }

  // ---- its records in the journal

  async load() {
    this.disconnect();  // what it says from now on is asked for again
    this.become("loading");
    try {
      await this.read();
    } catch (error) {
      if (error.status === 404) this.id = "";  // deleted: a message begins another one
      this.note(error.message, true);
      this.become("idle");
    }
    if (!this.socket && (this.state === "running" || this.page.isShown(this))) this.connect();
  }

  async read() {
    const items = [];
    for (let after = ""; ;) {
      const page = await api("GET", `/v1/conversations/${this.id}/items?order=asc&limit=100${after && "&after=" + after}`);
      items.push(...page.data);
      if (!page.has_more) break;
      after = page.last_id;
    }
    const last = items.findLast((item) => item["baton.response_id"])?.["baton.response_id"];
    const response = last ? await api("GET", `/v1/responses/${last}`).catch(nullWhereGone) : null;
    this.node.replaceChildren();
    this.drawn.clear();
    const answered = new Set(items.filter((item) => item.type === "mcp_approval_response").map((item) => item.approval_request_id));
    for (const item of items) this.add(this.itemNode(item, !answered.has(item.id)));
    this.newest = items.at(-1)?.["baton.response_id"] || "";
    this.response = response && { id: response.id, last: -1 };  // one that is under way is told from its first event
    const ended = !response || !["in_progress", "queued"].includes(response.status);
    if (response && ended) {
      // It may have ended after its items were requested.
      for (const item of response.output) if (!this.drawn.has(item.id)) this.add(this.itemNode(item, !answered.has(item.id)));
      this.addEnd(response);
    }
    this.become(ended ? "idle" : "running");
  }

  // Another client may have continued it while it was not shown here.
  async refresh() {
    try {
      const page = await api("GET", `/v1/conversations/${this.id}/items?order=desc&limit=1`);
      if (this.state === "idle" && (page.data[0]?.["baton.response_id"] || "") !== this.newest) await this.load();
    } catch (error) {
      this.note(error.message, true);
    }
  }

  // ---- events: of this conversation only, as they come over its connection

  take(event) {
    if (event.type === "error") return this.refused(event.error.message);
    if (event.type === "response.steer.failed") return this.steerFailed(event.error.message);
    if (event.type === "response.created") this.begin(event.response);
    if (!this.response || event.sequence_number <= this.response.last) return;
    this.response.last = event.sequence_number;
    if (event.type === "response.output_item.added" || event.type === "response.output_item.done") {
      const node = this.itemNode(event.item, event.type.endsWith("done"));
      if (event.type.endsWith("added") && node?.classList.contains("message")) node.textContent = "";  // it is told from its beginning
      this.add(node);
    } else if (event.type === "response.output_text.delta" || event.type === "response.reasoning_text.delta") {
      this.drawn.get(event.item_id)?.append(visible(event.delta));
    } else if (event.type === "response.mcp_call_arguments.done") {
      const node = this.drawn.get(event.item_id);
      if (node) write(node.querySelector(".arguments"), spaced(event.arguments));
    } else if (event.type === "baton.mcp_call.progress") {
      this.showProgress(event);
    } else if (event.type === "response.steer.accepted") {
      this.steered = true;
      this.note("received; the run takes it up at its next step");
    } else if (event.type === "response.steer.pending") {
      this.note("received; the model reads it together with your answer to the call");
      this.become("idle");
    } else if (ENDS.includes(event.type)) {
      this.finish(event.response);
    }
  }

  refused(why) {
    this.note(why, true);
    const undo = this.request?.undo;
    this.request = null;
    undo?.();
    this.become("idle");
  }

  steerFailed(why) {
    this.note("not steered: " + why, true);
    if (this.state === "starting" && !this.request) this.become("idle");  // no successor comes
  }

  begin(response) {
    const old = this.id;
    this.id = response.conversation.id;
    this.newest = response.id;
    this.response = { id: response.id, last: -1 };
    this.request = null;
    this.steered = false;
    this.page.renamed(this, old);
    // After a response that is no longer the newest, a message continues in a copy of the conversation, whose items have ids of their own.
    if (old && old !== this.id) this.load();
    else this.become("running");
  }

  finish(response) {
    this.addEnd(response);
    if (!this.steered || response.status === "failed" || response.status === "cancelled") return this.become("idle");
    // The successor is announced on this connection, unless the connection was lost when it began.
    this.become("starting");
    setTimeout(() => {
      if (this.state === "starting" && !this.request && this.response.id === response.id) this.load();
    }, 2000);
  }

  // ---- drawing, always into its own node

  add(node) {
    if (node && node.parentNode !== this.node) this.node.append(node);
  }

  note(text, bad) { this.add(element("p", bad ? "note bad" : "note", text)); }

  itemNode(item, open) {
    if (item.type === "message" || item.type === "reasoning") return this.messageNode(item);
    if (item.type === "mcp_approval_request") return open ? this.approvalNode(item) : this.cardNode(item);
    if (item.type === "mcp_call" || item.type === "function_call") return this.cardNode(item);
    return null;
  }

  // The element of an item, created if there is none yet.
  nodeOf(item, make) {
    if (!this.drawn.has(item.id)) this.drawn.set(item.id, make());
    return this.drawn.get(item.id);
  }

  messageNode(item) {
    const node = this.nodeOf(item, () => element("p", "message " + (item.type === "reasoning" ? "reasoning" : item.role)));
    if (textOf(item)) write(node, textOf(item));
    node.classList.toggle("cut", item.status === "incomplete");
    return node;
  }

  cardNode(item) {
    const node = this.nodeOf(item, () => byId("card").content.firstElementChild.cloneNode(true));
    const error = item.error && (item.error.content ? item.error.content.map((part) => part.text).join("") : item.error.message);
    write(node.querySelector(".name"), item.name);
    write(node.querySelector(".arguments"), spaced(item.arguments));
    write(node.querySelector(".result"), error || item.output || "");
    const state = item.type === "mcp_approval_request" ? "waiting" : item.status === "completed" ? "done" : item.status === "failed" ? "failed" : "running";
    node.className = "card " + state;
    write(node.querySelector(".state"), { waiting: "needs approval", done: "done", failed: "failed", running: "running" }[state]);
    if (item.status === "in_progress" && !node.dataset.since) node.dataset.since = performance.now();
    if (state === "done" || state === "failed") {
      const since = Number(node.dataset.since || 0);
      write(node.querySelector(".time"), since ? `${Math.round(performance.now() - since)} ms` : "");
    }
    if (state !== "running") node.querySelector(".progress").hidden = true;
    if (state === "failed" && item.type === "mcp_call") {
      this.addChoices(node, [["Run it again", "", { type: "baton.retry_tool", item_id: item.id }]]);
    }
    return node;
  }

  approvalNode(item) {
    const node = this.cardNode(item);
    const response = { type: "mcp_approval_response", approval_request_id: item.id };
    this.addChoices(node, [
      ["Run it", "approved", { ...response, approve: true }],
      ["Always in this conversation", "approved", { ...response, approve: true, "baton.remember": true }],
      ["Refuse", "refused", { ...response, approve: false }],
    ]);
    return node;
  }

  // The buttons of a card: each sends its own data, in the conversation of the card.
  addChoices(card, choices) {
    const footer = card.querySelector("footer"), state = card.querySelector(".state"), before = state.textContent;
    footer.hidden = false;
    footer.replaceChildren(...choices.map(([label, decided, input]) => {
      const button = element("button", "", label);
      button.onclick = () => {
        footer.hidden = true;
        write(state, decided || before);
        this.ask([input], () => {
          footer.hidden = false;
          write(state, before);
        });
      };
      return button;
    }));
  }

  showProgress(event) {
    const line = this.drawn.get(event.item_id)?.querySelector(".progress");
    if (!line) return;
    line.hidden = false;
    const bar = line.querySelector("progress");
    if (event.fraction > 0) bar.value = event.fraction;
    else bar.removeAttribute("value");  // it is not known how far
    write(line.querySelector("span"), event.message);
  }

  addEnd(response) {
    const usage = response.usage || {};
    const why = response.error ? ": " + response.error.message : response.incomplete_details ? ": " + response.incomplete_details.reason : "";
    const speed = usage["baton.decode_seconds"] > 0 ? `, ${(usage.output_tokens / usage["baton.decode_seconds"]).toFixed(0)} tokens/s` : "";
    const text = `${response.status}${why} · ${usage.input_tokens ?? 0} tokens read, ${usage.input_tokens_details?.cached_tokens ?? 0} of them cached, ${usage.output_tokens ?? 0} written${speed} `;
    const line = element("p", "note", text), rated = response["baton.rating"];
    this.add(line);
    if (rated) return write(line, `${text}· rated ${rated.rating}`);
    for (const rating of ["good", "bad"]) {
      const button = element("button", "", rating);
      button.onclick = async () => {
        try {
          await api("POST", `/v1/baton/responses/${response.id}/rating`, { rating });
          write(line, `${text}· rated ${rating}`);
        } catch (error) {
          this.note("not rated: " + error.message, true);
        }
      };
      line.append(button, " ");
    }
  }
}

// The console: conversations, a live run, approvals, tools. What runs is remembered with the last sequence number that was seen, so a reload
// or a lost connection goes on there. Text is only ever set as text.
"use strict";

const byId = (id) => document.getElementById(id);
const ENDS = ["response.completed", "response.incomplete", "response.failed"];
const session = {
  get token() { return sessionStorage.getItem("token") || ""; },
  set token(value) { sessionStorage.setItem("token", value); },
  // {conversation, response, last, ended}: of this tab
  get place() { return JSON.parse(sessionStorage.getItem("place") || "{}"); },
  set place(value) { sessionStorage.setItem("place", JSON.stringify(value)); },
};
let socket = null, patience = 500, place = session.place;
let shown = new Map();  // item id -> its element
let tools = [];

function remember(changes) {
  place = { ...place, ...changes };
  session.place = place;
  byId("cancel").hidden = !running();
  byId("send").textContent = running() ? "Steer" : "Send";
}
const running = () => Boolean(place.response) && !place.ended;

// ---- talking to the daemon

async function api(method, path, body) {
  const headers = { "Content-Type": "application/json" };
  if (session.token) headers.Authorization = "Bearer " + session.token;
  const reply = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const json = await reply.json();
  if (reply.status === 401) byId("login").hidden = false;
  if (!reply.ok) throw new Error(json.error.message);
  return json;
}

function connect() {
  const url = location.origin.replace(/^http/, "ws") + "/v1/responses";
  socket = new WebSocket(url, session.token ? ["baton", "bearer." + session.token] : ["baton"]);
  socket.onopen = () => {
    patience = 500;
    byId("status").textContent = "connected";
    if (running()) say({ type: "baton.resume", response_id: place.response, starting_after: place.last ?? -1 });
  };
  socket.onmessage = (message) => take(JSON.parse(message.data));
  socket.onclose = () => {
    byId("status").textContent = "connection lost; trying again";
    setTimeout(connect, patience);
    patience = Math.min(patience * 2, 10000);
  };
}

function say(message) {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  else note("not connected: the message was not sent", true);
}

// ---- showing

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function show(node) {
  const log = byId("log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  if (node && !node.isConnected) log.append(node);
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function note(text, bad) { show(element("p", bad ? "note bad" : "note", text)); }

function textOf(item) { return (item.content || []).map((part) => part.text || "").join(""); }

function messageOf(item) {
  let node = shown.get(item.id);
  if (!node) {
    node = element("p", "message " + (item.type === "reasoning" ? "reasoning" : item.role));
    shown.set(item.id, node);
  }
  if (textOf(item)) node.textContent = textOf(item);
  node.classList.toggle("cut", item.status === "incomplete");
  return node;
}

function pretty(json) {
  try { return JSON.stringify(JSON.parse(json), null, 1).replace(/\n\s*/g, " "); } catch { return json || ""; }
}

function cardOf(item) {
  let node = shown.get(item.id);
  if (!node) {
    node = byId("card").content.firstElementChild.cloneNode(true);
    shown.set(item.id, node);
  }
  const error = item.error && (item.error.content ? item.error.content.map((part) => part.text).join("") : item.error.message);
  node.querySelector(".name").textContent = item.name;
  node.querySelector(".arguments").textContent = pretty(item.arguments);
  node.querySelector(".result").textContent = error || item.output || "";
  const state = item.type === "mcp_approval_request" ? "waiting" : item.status === "completed" ? "done" : item.status === "failed" ? "failed" : "running";
  node.className = "card " + state;
  node.querySelector(".state").textContent = { waiting: "wants to run", done: "done", failed: "failed", running: "running" }[state];
  if (item.status === "in_progress" && !node.dataset.since) node.dataset.since = performance.now();
  if (state === "done" || state === "failed") {
    const since = Number(node.dataset.since || 0);
    node.querySelector(".time").textContent = since ? `${Math.round(performance.now() - since)} ms` : "";
  }
  if (state !== "running") node.querySelector(".progress").hidden = true;
  if (state === "failed" && item.type === "mcp_call") {
    const again = element("button", "", "Run it again");
    again.onclick = () => {
      node.querySelector("footer").hidden = true;
      create([{ type: "baton.retry_tool", item_id: item.id }]);
    };
    node.querySelector("footer").replaceChildren(again);
    node.querySelector("footer").hidden = false;
  }
  return node;
}

function progressOf(event) {
  const line = shown.get(event.item_id)?.querySelector(".progress");
  if (!line) return;
  line.hidden = false;
  const bar = line.querySelector("progress");
  if (event.fraction > 0) bar.value = event.fraction;
  else bar.removeAttribute("value");  // it is not known how far
  line.querySelector("span").textContent = event.message;
}

function approvalOf(item) {
  const node = cardOf(item);
  const footer = node.querySelector("footer");
  footer.replaceChildren();
  footer.hidden = false;
  const decide = (label, decision) => {
    const button = element("button", "", label);
    button.onclick = () => {
      footer.hidden = true;
      node.querySelector(".state").textContent = decision.approve ? "approved" : "refused";
      create([{ type: "mcp_approval_response", approval_request_id: item.id, ...decision }]);
    };
    footer.append(button);
  };
  decide("Run it", { approve: true });
  decide("Always in this conversation", { approve: true, "baton.remember": true });
  decide("Refuse", { approve: false });
  return node;
}

function itemNode(item, open) {
  if (item.type === "message" || item.type === "reasoning") return messageOf(item);
  if (item.type === "mcp_approval_request") return open ? approvalOf(item) : cardOf(item);
  if (item.type === "mcp_call" || item.type === "function_call") return cardOf(item);
  return null;
}

// ---- events of a run

function take(event) {
  if (event.type === "error") return note(event.error.message, true);
  if (event.type === "response.steer.failed") return note("not steered: " + event.error.message, true);
  if (event.sequence_number !== undefined) remember({ last: event.sequence_number });
  if (event.type === "response.created") {
    remember({ response: event.response.id, conversation: event.response.conversation.id, ended: false, last: event.sequence_number });
    listConversations();
  } else if (event.type === "response.output_item.added" || event.type === "response.output_item.done") {
    const node = itemNode(event.item, event.type.endsWith("done"));
    if (event.type.endsWith("added") && node?.classList.contains("message")) node.textContent = "";  // it is told from its beginning
    show(node);
  } else if (event.type === "response.output_text.delta" || event.type === "response.reasoning_text.delta") {
    const node = shown.get(event.item_id);
    if (node) node.append(event.delta);
    show(null);
  } else if (event.type === "response.mcp_call_arguments.done") {
    shown.get(event.item_id)?.querySelector(".arguments").replaceChildren(pretty(event.arguments));
  } else if (event.type === "baton.mcp_call.progress") {
    progressOf(event);
  } else if (event.type === "response.steer.accepted") {
    note("heard; it goes on with this at its next step");
  } else if (ENDS.includes(event.type)) {
    finish(event.response);
  }
}

function finish(response) {
  remember({ ended: true });
  const usage = response.usage || {};
  const why = response.error ? ": " + response.error.message : response.incomplete_details ? ": " + response.incomplete_details.reason : "";
  const speed = usage["baton.decode_seconds"] > 0 ? `, ${(usage.output_tokens / usage["baton.decode_seconds"]).toFixed(0)} tokens/s` : "";
  const line = element("p", "note", `${response.status}${why} · ${usage.input_tokens ?? 0} tokens read, ${usage.input_tokens_details?.cached_tokens ?? 0} of them cached, ${usage.output_tokens ?? 0} written${speed} `);
  for (const rating of ["good", "bad"]) {
    const button = element("button", "", rating);
    button.onclick = async () => {
      await api("POST", `/v1/baton/responses/${response.id}/rating`, { rating });
      line.textContent += `· rated ${rating}`;
    };
    line.append(button, " ");
  }
  show(line);
}

function create(input) {
  const message = { type: "response.create", input, tools: [{ type: "mcp", server_label: "baton" }] };
  if (place.response && place.ended) message.previous_response_id = place.response;
  else if (place.conversation) message.conversation = place.conversation;
  say(message);
}

// ---- conversations and tools

async function listConversations() {
  const page = await api("GET", "/v1/baton/conversations?limit=50");
  byId("conversations").replaceChildren(...page.data.map((conversation) => {
    const entry = element("li"), button = element("button", "", conversation["baton.title"] || conversation.id);
    button.setAttribute("aria-current", String(conversation.id === place.conversation));
    button.onclick = () => open(conversation.id);
    entry.append(button);
    return entry;
  }));
}

async function open(id) {
  shown = new Map();
  byId("log").replaceChildren();
  const items = [];
  for (let after = ""; ;) {
    const page = await api("GET", `/v1/conversations/${id}/items?order=asc&limit=100${after && "&after=" + after}`);
    items.push(...page.data);
    if (!page.has_more) break;
    after = page.last_id;
  }
  const answered = new Set(items.filter((item) => item.type === "mcp_approval_response").map((item) => item.approval_request_id));
  for (const item of items) {
    const node = itemNode(item, !answered.has(item.id));
    if (node) show(node);
  }
  const last = items.findLast((item) => item["baton.response_id"]);
  const response = last?.["baton.response_id"];
  if (id !== place.conversation) remember({ conversation: id, response, ended: true, last: -1 });
  listConversations();
  byId("log").scrollTop = byId("log").scrollHeight;
}

async function listTools() {
  tools = (await api("GET", "/v1/baton/tools")).data;
  byId("tools-count").textContent = `(${tools.length})`;
  byId("tools").replaceChildren(...tools.map((tool) => {
    const entry = element("li");
    entry.append(element("b", "", tool.name), ` ${tool.permission} · ${tool.description}`, element("pre", "", JSON.stringify(tool.parameters.properties || {}, null, 1)));
    return entry;
  }));
}

// ---- the user

byId("compose").onsubmit = (submitted) => {
  submitted.preventDefault();
  const text = byId("message").value.trim();
  if (!text) return;
  byId("message").value = "";
  show(element("p", "message user", text));
  if (running()) say({ type: "response.steer", previous_response_id: place.response, input: text });
  else create(text);
};
byId("message").onkeydown = (key) => {
  if (key.key !== "Enter" || key.shiftKey) return;
  key.preventDefault();
  byId("compose").requestSubmit();
};
byId("cancel").onclick = () => say({ type: "baton.cancel", response_id: place.response });
byId("fresh").onclick = () => {
  place = {};
  remember({});
  shown = new Map();
  byId("log").replaceChildren();
  listConversations();
  byId("message").focus();
};
byId("login").onsubmit = (submitted) => {
  submitted.preventDefault();
  session.token = byId("token").value;
  location.reload();
};

async function begin() {
  remember({});
  await listTools();
  await listConversations();
  // A run under way is shown from its first event, everything before it from the conversation.
  if (place.conversation) await open(place.conversation).catch(() => remember({ conversation: undefined, response: undefined, ended: true }));
  if (running()) {
    const seen = place.last;
    remember({ last: -1 });
    byId("status").textContent = `going on after event ${seen}`;
  }
  connect();
}
begin().catch((error) => note(error.message, true));

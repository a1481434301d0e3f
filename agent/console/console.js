// The console's page: the shown conversation and its log's scroll position, the list of conversations, the tools, the person's actions.
"use strict";

const session = {
  get token() { return sessionStorage.getItem("token") || ""; },
  set token(value) { sessionStorage.setItem("token", value); },
  // The conversation that this tab shows.
  get conversation() { return sessionStorage.getItem("conversation") || ""; },
  set conversation(id) { sessionStorage.setItem("conversation", id); },
};

const conversations = new Map();  // id -> Conversation: those that were opened here, the one opened last at the end
const MOST_KEPT = 20;             // of those that are idle
let shown = null;                 // the one on the page
let fresh = null;                 // the last one that began here

async function api(method, path, body) {
  const headers = { "Content-Type": "application/json" };
  if (session.token) headers.Authorization = "Bearer " + session.token;
  const reply = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const json = await reply.json();
  if (reply.status === 401) byId("login").hidden = false;
  if (!reply.ok) throw Object.assign(new Error(json.error.message), { status: reply.status });
  return json;
}

// ---- the page: one of the conversations, and the scroll position of its log

const log = byId("log");
let seen = {};  // where the log was scrolled to, and its size, as far as the page knows

function showState() {
  byId("cancel").hidden = shown.state !== "running";
  byId("send").textContent = shown.state === "running" ? "Steer" : "Send";
  byId("send").disabled = shown.state === "starting" || shown.state === "loading";
  byId("to-end").hidden = shown.following;
  const status = shown.connected ? "connected" : shown.socket?.readyState === WebSocket.CLOSED ? "connection lost; trying again" : "connecting";
  if (byId("status").textContent !== status) byId("status").textContent = status;
}

function look() { seen = { top: log.scrollTop, width: log.clientWidth, height: log.clientHeight }; }

function scrollLog(top) {
  log.scrollTop = top;
  look();
}

// The end remains visible, whichever part grew, unless the person has scrolled away from it.
const sizes = new ResizeObserver(() => {
  if (shown.following) scrollLog(log.scrollHeight);
  else look();
});
sizes.observe(log, { box: "border-box" });  // its padding changes with the window, too

log.onscroll = () => {
  const below = log.scrollHeight - log.clientHeight - log.scrollTop;
  if (below <= 1) shown.following = true;
  // Additions at the end move nothing up: the person has scrolled, or the window was resized.
  else if (log.scrollTop < seen.top && log.clientWidth === seen.width && log.clientHeight === seen.height) shown.following = false;
  look();
  showState();
};
byId("to-end").onclick = () => {
  shown.following = true;
  scrollLog(log.scrollHeight);
  showState();
};

function show(conversation) {
  if (shown) {
    [shown.draft, shown.top] = [byId("message").value, log.scrollTop];
    sizes.unobserve(shown.node);
    if (shown.state === "idle" && shown !== conversation) shown.disconnect();
  }
  shown = conversation;
  session.conversation = shown.id;
  byId("message").value = shown.draft;
  byId("side").classList.remove("open");
  byId("fold").setAttribute("aria-expanded", "false");
  log.replaceChildren(shown.node);
  sizes.observe(shown.node);
  scrollLog(shown.following ? log.scrollHeight : shown.top);
  if (!shown.socket && shown.state !== "loading") shown.connect();
  showState();
  listConversations();
}

const page = {
  isShown: (conversation) => conversation === shown,
  changed: (conversation) => conversation === shown && showState(),
  renamed(conversation, old) {
    if (conversations.get(old) === conversation) conversations.delete(old);
    conversations.set(conversation.id, conversation);
    if (conversation === shown) session.conversation = conversation.id;
    listConversations();
  },
};

function openConversation(id) {
  const known = conversations.get(id);
  const conversation = known || new Conversation(page, id);
  conversations.delete(id);
  conversations.set(id, conversation);
  for (const [old, other] of conversations) {
    if (conversations.size <= MOST_KEPT) break;
    if (other.state === "idle" && other !== conversation) conversations.delete(old);
  }
  if (!known) conversation.load();
  show(conversation);
}

// A conversation without a sent message is kept, with the typed text.
function openFresh() {
  if (!fresh || fresh.id || fresh.state !== "idle") fresh = new Conversation(page);
  show(fresh);
}

function complain(error) { shown.note(error.message, true); }

function listConversations() {
  return api("GET", "/v1/baton/conversations?limit=50").then((list) => {
    byId("conversations").replaceChildren(...list.data.map((conversation) => {
      const entry = element("li"), button = element("button", "", conversation["baton.title"] || conversation.id);
      button.setAttribute("aria-current", String(conversation.id === shown.id));
      button.onclick = () => openConversation(conversation.id);
      entry.append(button);
      return entry;
    }));
  }).catch(complain);
}

async function listTools() {
  const tools = (await api("GET", "/v1/baton/tools")).data;
  byId("tools-count").textContent = `(${tools.length})`;
  byId("tools").replaceChildren(...tools.map((tool) => {
    const entry = element("li", "", ` ${tool.permission} · ${tool.description}`);
    entry.prepend(element("b", "", tool.name));
    entry.append(element("pre", "", JSON.stringify(tool.parameters.properties || {}, null, 1)));
    return entry;
  }));
}

byId("compose").onsubmit = (submitted) => {
  submitted.preventDefault();
  const text = byId("message").value.trim();
  if (text && shown.submit(text)) byId("message").value = "";
};
byId("message").onkeydown = (key) => {
  if (key.key !== "Enter" || key.shiftKey) return;
  key.preventDefault();
  byId("compose").requestSubmit();
};
byId("cancel").onclick = () => shown.cancel();
byId("fresh").onclick = () => {
  openFresh();
  byId("message").focus();
};
byId("fold").onclick = () => byId("fold").setAttribute("aria-expanded", String(byId("side").classList.toggle("open")));
byId("login").onsubmit = (submitted) => {
  submitted.preventDefault();
  session.token = byId("token").value;
  location.reload();
};

if (session.conversation) openConversation(session.conversation);
else openFresh();
listTools().catch(complain);

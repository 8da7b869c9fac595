// The script of the three pages. A page says by `data-path` where it connects to; the items page asks first.
"use strict";

const FIRST_DELAY = 1; // seconds until the first attempt to reconnect; doubled for each further one
const LONGEST_DELAY = 16;
const POLICY_VIOLATION = 1008;

const byId = (id) => document.getElementById(id);

let socket = null;
let delay = FIRST_DELAY;
let retry = null;

function say(text, connected = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("connected", connected);
}

function show(text) {
  const item = document.createElement("li");
  item.textContent = text; // never as HTML: it comes from anybody
  byId("messages").append(item);
  item.scrollIntoView({ block: "nearest" });
}

// The host, the scheme and any prefix of the path are those that the page was loaded from.
function address(path) {
  const url = new URL(path, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  url.hash = "";
  return url;
}

function connect(path) {
  clearTimeout(retry);
  if (socket) {
    socket.onclose = null;
    socket.close(1000);
  }
  say("Connecting …");
  const opened = new WebSocket(address(path));
  let connected = false;
  socket = opened;
  opened.onopen = () => {
    connected = true;
    delay = FIRST_DELAY;
    say("Connected.", true);
  };
  opened.onmessage = (event) => show(event.data);
  opened.onclose = (event) => {
    const why = event.reason ? `${event.code}, ${event.reason}` : `${event.code}`;
    if (event.code === POLICY_VIOLATION) {
      say(`Refused (${why}).`);
      return;
    }
    say(`${connected ? "Connection lost" : "No connection"} (${why}). Reconnecting in ${delay} s.`);
    retry = setTimeout(connect, delay * 1000, path);
    delay = Math.min(delay * 2, LONGEST_DELAY);
  };
}

byId("message-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!socket || socket.readyState !== WebSocket.OPEN) {
    say("Not sent: there is no connection.");
    return;
  }
  socket.send(byId("message").value);
  byId("message").value = "";
});

byId("connect-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const query = new URLSearchParams();
  for (const name of ["token", "q"]) {
    if (byId(name).value) {
      query.set(name, byId(name).value);
    }
  }
  connect(`items/${encodeURIComponent(byId("item").value)}/ws?${query}`);
  byId("message").focus();
});

if (document.body.dataset.path) {
  const client = String(Date.now());
  if (byId("client")) {
    byId("client").textContent = client;
  }
  connect(document.body.dataset.path.replace("{client}", client));
}

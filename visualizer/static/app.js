"use strict";
const events = new EventSource("/api/events");
events.addEventListener("snapshot", (event) => {
  document.getElementById("state").textContent = JSON.stringify(JSON.parse(event.data), null, 2);
});

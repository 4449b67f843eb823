// Reads Server-Sent Events as browsers do: EventSource where there is one, else the same by hand.
// Says `open`, then each event's id and data, until `count` have come.
// usage: events.mjs URL COUNT

const [url, count] = process.argv.slice(2);
let left = Number(count);

function told(id, data) {
    console.log(`${id} ${data}`);
    if (--left === 0) {
        process.exit(0);
    }
}

if (globalThis.EventSource) {
    const source = new EventSource(url);
    source.onopen = () => console.log("open");
    source.addEventListener("version", (event) => told(event.lastEventId, event.data));
} else {
    const response = await fetch(url, { headers: { Accept: "text/event-stream" } });
    console.log("open");
    const decoder = new TextDecoder();
    let text = "";
    for await (const bytes of response.body) {
        text += decoder.decode(bytes, { stream: true });
        for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
            const lines = text.slice(0, end).split("\n");
            const field = (name) => lines.filter((line) => line.startsWith(`${name}: `))
                .map((line) => line.slice(name.length + 2)).join("\n");
            if (field("event") === "version") {
                told(field("id"), field("data"));
            }
        }
    }
}

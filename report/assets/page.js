"use strict";
// What a page does beyond its text: tables sort, filter and are saved; figures of packets say what is under the pointer, and
// zoom. Content of the page's data becomes text only: nothing here sets markup.
(() => {
const make = (tag, set = {}, ...children) => {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(set)) k in e ? (e[k] = v) : e.setAttribute(k, v);
  e.append(...children);
  return e;
};
// Values of columns are named by letters where they are few; rows gets their numbers.
const letters = [];
[..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"].forEach((l, i) => { letters[l.charCodeAt(0)] = i; });
const dataOf = (where) => {
  const script = where.querySelector(':scope > script[type="application/json"]');
  const data = script && JSON.parse(script.textContent);
  for (const c of data && data.columns || []) {
    const n = c.letters ? c.letters.length : c.values.length, rows = c.rows ? Int32Array.from(c.rows) : new Int32Array(n);
    if (!c.rows) for (let i = 0; i < n; i++) rows[i] = c.letters ? letters[c.letters.charCodeAt(i)] : i;
    c.rows = rows;
  }
  return data;
};
const save = (name, type, text) => {
  const url = URL.createObjectURL(new Blob([text], {type}));
  const a = make("a", {href: url, download: name});
  document.body.append(a);
  a.click();
  a.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
};
const csvCell = (s) => /[",\r\n]/.test(s) ? '"' + String(s).replaceAll('"', '""') + '"' : String(s);
const csv = (rows) => rows.map((r) => r.map(csvCell).join(",") + "\n").join("");

// address fills a link's places: {NAME} is the value of a column.
const address = (link, value) => link.replace(/\{([^}]*)\}/g, (_, name) => encodeURIComponent(value(name)).replaceAll("%2F", "/"));

// Tables. Each column has its different values, and row by row which of them: what is asked of a value is asked once.
function table(root) {
  const data = dataOf(root), columns = data.columns, n = data.rows;
  const body = root.querySelector("tbody"), tools = root.querySelector(".tools");
  // Worked out when it is asked for the first time.
  const lower = (c) => c.lower ||= c.values.map((v) => v.toLowerCase());
  const numbers = (c) => c.numbers ||= Float64Array.from(c.values, (v) => v === "" ? NaN : Number(v));
  const byName = new Map(columns.map((c) => [c.name.toLowerCase(), c]));
  let shown = new Int32Array(n), order = null, drawn = 0;
  for (let i = 0; i < n; i++) shown[i] = i;
  const count = make("span", {className: "count", role: "status"});
  const search = make("input", {type: "search", value: root.dataset.start || "", placeholder: "words, column:word, column>number"});
  const selects = [];
  const more = make("button", {type: "button", className: "more", textContent: "Show more rows"});
  const paper = make("p", {className: "paper"}), printed = 12; // columns on paper: the style has the same number

  // test gives which values of a column match.
  const test = (c, is) => { const match = new Uint8Array(c.values.length); for (let i = 0; i < match.length; i++) match[i] = is(i) ? 1 : 0; return match; };
  const parse = (word) => {
    const m = /^([^:<>=]+)(:|>=|<=|=|>|<)(.*)$/.exec(word), c = m && byName.get(m[1]);
    if (!c) return (i) => hits.get(word).some(([rows, match]) => match[rows[i]]);
    const [, , how, what] = m, number = Number(what), texts = how === ":" || how === "=" ? lower(c) : [], values = how === ":" ? [] : numbers(c);
    const match = test(c, (i) => {
      const v = values[i];
      switch (how) {
      case ":": return texts[i].includes(what);
      case "=": return texts[i] === what || v === number && what !== "";
      case ">": return v > number;
      case "<": return v < number;
      case ">=": return v >= number;
      default: return v <= number;
      }
    });
    return (i) => match[c.rows[i]];
  };
  const hits = new Map();
  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter((w) => w !== "" && w !== "&");
    hits.clear();
    for (const w of words) hits.set(w, columns.map((c) => { const texts = lower(c); return [c.rows, test(c, (i) => texts[i].includes(w))]; }).filter(([, m]) => m.includes(1)));
    const tests = words.map(parse);
    for (const [c, s] of selects) if (s.value !== "") { const at = Number(s.value); tests.push((i) => c.rows[i] === at); }
    const kept = [];
    for (let i = 0; i < n; i++) if (tests.every((t) => t(i))) kept.push(i);
    shown = Int32Array.from(kept);
    sort();
  }
  function sort() {
    if (order) {
      const c = order.column;
      const index = c.values.map((_, i) => i).sort((a, b) => {
        if (c.number) {
          const x = numbers(c)[a], y = numbers(c)[b];
          return isNaN(x) - isNaN(y) || x - y || (c.values[a] < c.values[b] ? -1 : 1);
        }
        return c.values[a] < c.values[b] ? -1 : 1;
      });
      const rank = new Int32Array(index.length);
      index.forEach((v, i) => { rank[v] = c.values[v] === "" ? order.up * (1 << 30) : i; }); // rows without a value come last
      shown = shown.sort((a, b) => order.up * (rank[c.rows[a]] - rank[c.rows[b]]) || a - b);
    }
    body.textContent = "";
    drawn = 0;
    draw();
  }
  function draw() {
    const rows = document.createDocumentFragment(), end = Math.min(shown.length, drawn + data.at_once);
    for (; drawn < end; drawn++) {
      const i = shown[drawn], tr = document.createElement("tr");
      columns.forEach((c, j) => {
        const td = document.createElement("td"), text = c.values[c.rows[i]];
        if (c.number) td.className = "number";
        if (c.link && text !== "") {
          const href = address(c.link, (name) => { const o = byName.get(name.toLowerCase()); return o ? o.values[o.rows[i]] : ""; });
          td.append(make("a", {href, textContent: text}));
        } else td.textContent = text;
        if (j === data.mark && text !== "" && text !== "same") tr.className = "marked";
        tr.append(td);
      });
      rows.append(tr);
    }
    body.append(rows);
    tell();
  }
  function tell() {
    more.hidden = drawn >= shown.length;
    const left = [];
    if (drawn < shown.length) left.push(`the first ${drawn} of ${shown.length} rows`);
    if (columns.length > printed) left.push(`the first ${printed} of ${columns.length} columns`);
    paper.textContent = left.length ? `On paper: ${left.join(" and ")}. Save CSV has all.` : "";
    count.textContent = `${shown.length} of ${n} ${n === 1 ? "row" : "rows"}`;
  }
  root.querySelectorAll("th").forEach((th, j) => {
    const b = make("button", {type: "button", textContent: th.textContent});
    th.textContent = "";
    th.append(b);
    b.addEventListener("click", () => {
      order = {column: columns[j], up: order && order.column === columns[j] ? -order.up : 1};
      root.querySelectorAll("th").forEach((o) => o.removeAttribute("aria-sort"));
      th.setAttribute("aria-sort", order.up > 0 ? "ascending" : "descending");
      shown.sort();
      sort();
    });
  });
  more.addEventListener("click", draw);
  if (n > 8) {
    tools.append(make("label", {}, "Filter", search));
    search.addEventListener("input", filter);
    for (const c of columns) {
      if (c.number || !c.letters || c.values.length < 2 || c.values.length > 12 || selects.length >= 6) continue;
      const s = make("select", {}, make("option", {value: "", textContent: "all"}));
      c.values.map((v, i) => [v, i]).sort().forEach(([v, i]) => s.append(make("option", {value: String(i), textContent: v === "" ? "(none)" : v})));
      s.addEventListener("change", filter);
      selects.push([c, s]);
      tools.append(make("label", {}, c.name, s));
    }
  }
  const saveCSV = make("button", {type: "button", textContent: "Save CSV"});
  saveCSV.addEventListener("click", () => save(root.dataset.name + ".csv", "text/csv",
    csv([columns.map((c) => c.name), ...Array.from(shown, (i) => columns.map((c) => c.values[c.rows[i]]))])));
  tools.append(saveCSV, count);
  const scroll = root.querySelector(".scroll");
  scroll.after(more, paper);
  scroll.addEventListener("scroll", () => { if (drawn < shown.length && scroll.scrollTop + 2 * scroll.clientHeight > scroll.scrollHeight) draw(); }, {passive: true});
  if (search.value) filter();
  else { drawn = body.children.length; tell(); } // the rows of the page's text stay
}

// Figures.
function figure(root) {
  const drawing = root.querySelector(".drawing"), svg = drawing.querySelector("svg"), tools = root.querySelector(".tools");
  const button = (text, label, act) => {
    const b = make("button", {type: "button", textContent: text});
    b.setAttribute("aria-label", label);
    b.addEventListener("click", act);
    tools.append(b);
  };
  const data = dataOf(root), whole = svg.getAttribute("viewBox");
  if (data && data.panels) packets(root, drawing, data, button);
  else {
    const view = zooming(drawing, svg, button);
    if (data) points(root, drawing, data, view, button);
  }
  button("Save SVG", "Save SVG of the figure", () => {
    const file = svg.querySelector(":scope > image"), all = svg.cloneNode(true);
    all.setAttribute("viewBox", whole);
    save(root.dataset.name + ".svg", "image/svg+xml", file ? Uint8Array.from(atob(file.getAttribute("href").split(",")[1]), (c) => c.charCodeAt(0)) : new XMLSerializer().serializeToString(all));
  });
}

// zooming lets a drawing show a part of itself: it changes the view box, and drags.
function zooming(drawing, svg, button) {
  const [left, top, width, height] = svg.getAttribute("viewBox").split(/[\s,]+/).map(Number), v = {x: left, y: top, w: width, h: height, changed: () => {}};
  const show = (w, x, y) => {
    v.w = Math.min(Math.max(w, width / 64), width);
    v.h = v.w / width * height;
    v.x = Math.min(Math.max(x, left), left + width - v.w);
    v.y = Math.min(Math.max(y, top), top + height - v.h);
    svg.setAttribute("viewBox", `${v.x} ${v.y} ${v.w} ${v.h}`);
    v.changed();
  };
  v.zoom = (factor, x = v.x + v.w / 2, y = v.y + v.h / 2) => { const w = Math.min(v.w * factor, width); show(w, x - (x - v.x) * w / v.w, y - (y - v.y) * w / v.w); };
  v.all = () => show(width, left, top);
  v.see = (x, y) => { if (x < v.x || x > v.x + v.w || y < v.y || y > v.y + v.h) show(v.w, x - v.w / 2, y - v.h / 2); };
  v.at = (event) => { const box = svg.getBoundingClientRect(); return [v.x + (event.clientX - box.left) / box.width * v.w, v.y + (event.clientY - box.top) / box.height * v.h]; };
  let drag = null;
  drawing.addEventListener("pointerdown", (e) => { if (e.button === 0 && v.w < width) { drag = {x: e.clientX, y: e.clientY, from: {...v}}; v.dragged = false; drawing.setPointerCapture(e.pointerId); } });
  drawing.addEventListener("pointermove", (e) => {
    if (!drag) return;
    const s = drag.from.w / svg.getBoundingClientRect().width;
    v.dragged = v.dragged || Math.abs(e.clientX - drag.x) + Math.abs(e.clientY - drag.y) > 4;
    show(v.w, drag.from.x - (e.clientX - drag.x) * s, drag.from.y - (e.clientY - drag.y) * s);
  });
  for (const end of ["pointerup", "pointercancel"]) drawing.addEventListener(end, () => { drag = null; });
  drawing.addEventListener("wheel", (e) => { if (e.ctrlKey) { e.preventDefault(); v.zoom(e.deltaY > 0 ? 1.25 : 0.8, ...v.at(e)); } }, {passive: false});
  button("+", "Zoom in", () => v.zoom(0.5));
  button("−", "Zoom out", () => v.zoom(2));
  button("All", "Show all of the figure", v.all);
  return v;
}

// points makes a figure whose values stand for something say what is under the pointer, and lead there.
function points(root, drawing, data, view, button) {
  const readout = root.querySelector(".readout"), ring = make("div", {className: "ring", hidden: true}), tip = make("div", {className: "tip", hidden: true});
  const order = data.x.map((_, i) => i).sort((a, b) => data.x[a] - data.x[b] || data.y[b] - data.y[a]), place = [];
  order.forEach((i, k) => { place[i] = k; });
  const link = data.columns.findIndex((c) => c.link);
  let at = -1;
  drawing.append(ring, tip);
  drawing.tabIndex = 0;
  drawing.setAttribute("role", "group");
  drawing.setAttribute("aria-label", "Values: arrow keys go from one to the next, plus and minus zoom, 0 shows all" + (link >= 0 ? ", enter opens what the value is of" : ""));
  const about = (i) => data.columns.map((c) => [c.name, c.values[c.rows[data.row[i]]]]).filter(([, v]) => v !== "");
  const point = () => {
    const scale = drawing.clientWidth / view.w, x = (data.x[at] - view.x) * scale, y = (data.y[at] - view.y) * scale;
    ring.hidden = tip.hidden = at < 0 || x < 0 || y < 0 || x > drawing.clientWidth || y > drawing.clientHeight;
    if (ring.hidden) return;
    Object.assign(ring.style, {left: x - 6 + "px", top: y - 6 + "px"});
    tip.textContent = "";
    for (const [name, value] of about(at)) tip.append(make("span", {textContent: `${name} ${value}`}));
    const right = x > drawing.clientWidth / 2;
    Object.assign(tip.style, {top: Math.max(0, y - 20) + "px", left: right ? "auto" : x + 12 + "px", right: right ? drawing.clientWidth - x + 12 + "px" : "auto"});
  };
  const choose = (i) => {
    at = i;
    point();
    readout.textContent = at < 0 ? "" : about(at).map(([n, v]) => `${n} ${v}`).join(", ");
    drawing.style.cursor = at >= 0 && link >= 0 ? "pointer" : "";
  };
  const nearest = (event) => {
    const [x, y] = view.at(event);
    let best = -1, far = (10 * view.w / drawing.clientWidth) ** 2;
    for (let i = 0; i < data.x.length; i++) {
      const dx = Math.abs(data.x[i] - x), dy = Math.abs(data.y[i] - y);
      const d = data.wide ? Math.max(0, dx - data.wide[i] / 2) ** 2 + Math.max(0, dy - data.high[i] / 2) ** 2 : dx ** 2 + dy ** 2; // a bar is all of itself
      if (d < far) { far = d; best = i; }
    }
    return best;
  };
  const open = () => {
    if (at < 0 || link < 0) return;
    const to = address(data.columns[link].link, (name) => { const c = data.columns.find((c) => c.name === name); return c ? c.values[c.rows[data.row[at]]] : ""; });
    location.assign(to);
  };
  view.changed = point;
  drawing.addEventListener("pointermove", (e) => choose(nearest(e)));
  drawing.addEventListener("pointerleave", () => choose(-1));
  drawing.addEventListener("click", (e) => { if (!view.dragged) { choose(nearest(e)); open(); } view.dragged = false; });
  drawing.addEventListener("blur", () => choose(-1));
  const step = (by) => {
    if (!order.length) return;
    choose(order[at < 0 ? 0 : Math.min(Math.max(place[at] + by, 0), order.length - 1)]);
    view.see(data.x[at], data.y[at]);
  };
  const keys = {ArrowRight: () => step(1), ArrowLeft: () => step(-1), Home: () => step(-1e9), End: () => step(1e9), PageDown: () => step(50), PageUp: () => step(-50), Enter: open, Escape: () => choose(-1),
    "+": () => view.zoom(0.5, ...here()), "=": () => view.zoom(0.5, ...here()), "-": () => view.zoom(2, ...here()), "0": view.all};
  const here = () => at < 0 ? [] : [data.x[at], data.y[at]];
  drawing.addEventListener("keydown", (e) => {
    const act = !e.ctrlKey && !e.altKey && !e.metaKey && keys[e.key];
    if (act) { e.preventDefault(); act(); }
  });
  new ResizeObserver(point).observe(drawing);
  button("Save CSV", "Save CSV of the figure's values", () => save(root.dataset.name + ".csv", "text/csv",
    csv([data.columns.map((c) => c.name), ...Array.from(new Set(data.row), (r) => data.columns.map((c) => c.values[c.rows[r]]))])));
}

// packets makes a figure of packets answer the pointer and the keyboard, and zoom. All panels share the axis of time.
function packets(root, drawing, data, button) {
  const readout = root.querySelector(".readout");
  const whole = {from: data.panels[0].from, to: data.panels[0].to};
  let view = {...whole}, at = null; // the window of time; the packet pointed at: [panel, index]
  const cursor = make("div", {className: "cursor", hidden: true}), tip = make("div", {className: "tip", hidden: true});
  drawing.append(cursor, tip);
  drawing.tabIndex = 0;
  drawing.setAttribute("role", "group");
  drawing.setAttribute("aria-label", "Packets: arrow keys go from packet to packet, plus and minus zoom, page up and page down move, 0 shows all");

  const height = (p, i) => Math.min(p.length[i], p.size) / p.size * (p.is_up[i] ? p.up - p.middle : p.down - p.middle);
  const times = (p) => { // absolute, once
    let t = 0;
    p.at = Float64Array.from(p.time, (d) => (t += d));
    p.sorted = p.at.every((v, i) => i === 0 || v >= p.at[i - 1]);
    for (const name of ["color", "is_up", "mark"]) p[name] = Int8Array.from(p[name]);
    p.length = Int32Array.from(p.length);
    p.high = Float32Array.from(p.length, (_, i) => height(p, i));
    p.special = [];
    p.mark.forEach((m, i) => { if (m) p.special.push(i); });
  };
  data.panels.forEach(times);
  const first = (p, t) => { // index of the first packet that is not before t
    if (!p.sorted) return 0;
    let lo = 0, hi = p.at.length;
    while (lo < hi) { const mid = (lo + hi) >> 1; p.at[mid] < t ? (lo = mid + 1) : (hi = mid); }
    return lo;
  };
  const last = (p, t) => p.sorted ? first(p, t + 1) : p.at.length;
  const x = (p, t) => p.left + (t - view.from) / (view.to - view.from) * (p.right - p.left);
  const zoomed = () => view.from > whole.from || view.to < whole.to;

  // The canvas of a panel covers it, and the times below it.
  const axisRoom = 13;
  const paint = (p) => {
    if (!zoomed() && data.whole && !data.fetched) { if (p.canvas) p.canvas.hidden = true; return; }
    const tall = p.bottom - p.top + (p.axis ? axisRoom : 0), wide = p.right - p.left;
    if (!p.canvas) {
      p.canvas = make("canvas");
      p.canvas.setAttribute("aria-hidden", "true");
      drawing.insertBefore(p.canvas, cursor);
    }
    const scale = drawing.clientWidth / data.width, dots = window.devicePixelRatio || 1, c = p.canvas;
    c.hidden = false;
    Object.assign(c.style, {left: p.left * scale + "px", top: p.top * scale + "px", width: wide * scale + "px", height: tall * scale + "px"});
    c.width = Math.round(wide * scale * dots);
    c.height = Math.round(tall * scale * dots);
    const g = c.getContext("2d"), s = scale * dots;
    g.setTransform(s, 0, 0, s, -p.left * s, -p.top * s);
    g.fillStyle = "#fff";
    g.fillRect(p.left, p.top, wide, tall);
    g.font = "7px system-ui,sans-serif";
    for (const one of p.phases || []) {
      if (one.end < view.from || one.start > view.to) continue;
      const a = Math.max(x(p, one.start), p.left), b = Math.max(Math.min(x(p, one.end), p.right), a + 0.75);
      g.fillStyle = data.phase_colors[one.index];
      g.fillRect(a, p.top, b - a, p.strip);
      g.globalAlpha = 0.45;
      g.fillRect(a, p.top + p.strip, b - a, p.bottom - p.top - p.strip);
      g.globalAlpha = 1;
      const text = `${one.index + 1} ${one.name}`;
      if (g.measureText(text).width + 2 < b - a) { g.fillStyle = "#202020"; g.textAlign = "center"; g.fillText(text, (a + b) / 2, p.top + p.strip - 2); }
    }
    g.fillStyle = "#202020";
    g.fillRect(p.left, p.middle - 0.25, wide, 0.5);
    const from = first(p, view.from), to = last(p, view.to), dense = (to - from) > 3 * c.width;
    const width = dense ? 1 / s : Math.min(1.5, Math.max(0.4, 0.5 * wide / (to - from + 1)));
    const top = data.colors.map(() => dense ? [new Float32Array(c.width + 1), new Float32Array(c.width + 1)] : []);
    const perTime = wide / (view.to - view.from);
    for (let i = from; i < to; i++) {
      const off = (p.at[i] - view.from) * perTime, color = p.color[i];
      if (off < 0 || off > wide || color < 0) continue;
      const high = p.high[i];
      if (dense) {
        const column = off * s + 0.5 | 0, side = top[color][p.is_up[i]];
        if (Math.abs(high) > Math.abs(side[column])) side[column] = high;
      } else top[color].push([p.left + off, high]);
    }
    data.colors.forEach((color, k) => {
      g.fillStyle = color;
      if (dense) {
        for (const side of top[k]) {
          for (let column = 0; column < side.length; column++) { // neighbours of one height are one rectangle
            const high = side[column], begin = column;
            if (!high) continue;
            while (side[column + 1] === high) column++;
            g.fillRect(p.left + begin / s, Math.min(p.middle, p.middle + high), (column - begin + 1) * width, Math.abs(high));
          }
        }
      } else for (const [where, high] of top[k]) g.fillRect(where - width / 2, Math.min(p.middle, p.middle + high), width, Math.abs(high));
    });
    g.strokeStyle = "#202020";
    for (const i of p.special.filter((i) => i >= from && i < to).slice(0, 4000)) {
      const where = x(p, p.at[i]), y = p.middle + p.high[i];
      g.beginPath();
      if (p.mark[i] & 1) {
        g.lineWidth = 0.9;
        g.moveTo(where - 1.9, y - 1.9); g.lineTo(where + 1.9, y + 1.9); g.moveTo(where - 1.9, y + 1.9); g.lineTo(where + 1.9, y - 1.9);
      } else { g.lineWidth = 0.7; g.arc(where, y, 1.7, 0, 7); g.fillStyle = "#fff"; g.fill(); }
      g.stroke();
    }
    for (const m of p.marks || []) {
      if (m.time < view.from || m.time > view.to) continue;
      const where = x(p, m.time), right = where + g.measureText(m.text).width + 4 > p.right;
      g.setLineDash([2, 1.5]);
      g.lineWidth = 0.8;
      g.beginPath(); g.moveTo(where, p.top + p.strip); g.lineTo(where, p.bottom); g.stroke();
      g.setLineDash([]);
      g.fillStyle = "#202020"; g.textAlign = right ? "end" : "start";
      g.fillText(m.text, where + (right ? -2 : 2), p.top + p.strip + 7);
    }
    if (p.axis) {
      g.fillStyle = "#202020"; g.textAlign = "center";
      g.fillRect(p.left, p.bottom - 0.25, wide, 0.5);
      for (const [t, text] of ticks()) {
        const where = x(p, t);
        g.fillRect(where - 0.25, p.bottom, 0.5, 3);
        if (where > p.left + 8 && where < p.right - 8) g.fillText(text, where, p.bottom + 10);
      }
    }
  };
  const ticks = () => {
    const aim = (view.to - view.from) / 8, power = 10 ** Math.floor(Math.log10(aim));
    const gap = [1, 2, 5, 10].map((f) => f * power).find((g) => g >= aim);
    const [unit, name] = gap >= 1e9 ? [1e9, "s"] : gap >= 1e6 ? [1e6, "ms"] : gap >= 1e3 ? [1e3, "µs"] : [1, "ns"];
    const list = [];
    for (let t = Math.ceil(view.from / gap) * gap; t <= view.to; t += gap) list.push([t, `${+(t / unit).toFixed(3)} ${name}`]);
    return list;
  };
  let waiting = false;
  const repaint = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; data.panels.forEach(paint); point(); });
  };
  const show = (from, to) => {
    const span = Math.min(Math.max(to - from, 1000), whole.to - whole.from);
    from = Math.min(Math.max(from, whole.from), whole.to - span);
    view = {from, to: from + span};
    repaint();
  };
  const zoom = (factor, about) => {
    const t = about === undefined ? (at ? at[0].at[at[1]] : (view.from + view.to) / 2) : about, span = (view.to - view.from) * factor;
    const share = (t - view.from) / (view.to - view.from);
    show(t - span * share, t - span * share + span);
  };
  const move = (share) => { const d = (view.to - view.from) * share; show(view.from + d, view.to + d); };

  // What is said of a packet.
  const about = ([p, i]) => {
    const text = (list) => p.texts[list[i]] || "none";
    return [["frame", `${p.number[i]} of ${p.name}`], ["time", `${(p.at[i] / 1e9).toFixed(9)} s`], ["size", `${p.length[i]} bytes`], ["flags", text(p.flags)],
      ["phase", text(p.phase)], ["fate", text(p.fate)], ["label", text(p.label)], ["connection", p.connection[i] || "none"]];
  };
  const point = () => {
    if (!at || at[0].at[at[1]] < view.from || at[0].at[at[1]] > view.to) { cursor.hidden = tip.hidden = true; return; }
    const [p, i] = at, scale = drawing.clientWidth / data.width, where = x(p, p.at[i]) * scale;
    cursor.hidden = tip.hidden = false;
    Object.assign(cursor.style, {left: where - 1 + "px", top: p.top * scale + "px", height: (p.bottom - p.top) * scale + "px"});
    tip.textContent = "";
    for (const [name, value] of about(at)) tip.append(make("span", {textContent: `${name} ${value}`}));
    const right = where > drawing.clientWidth / 2;
    Object.assign(tip.style, {top: p.top * scale + "px", left: right ? "auto" : where + 10 + "px", right: right ? drawing.clientWidth - where + 10 + "px" : "auto"});
  };
  const choose = (next) => {
    at = next;
    point();
    readout.textContent = at ? about(at).map(([n, v]) => `${n} ${v}`).join(", ") : "";
  };
  const nearest = (event) => {
    const box = drawing.getBoundingClientRect(), scale = box.width / data.width;
    const px = (event.clientX - box.left) / scale, py = (event.clientY - box.top) / scale;
    const p = data.panels.find((p) => py >= p.top && py <= p.bottom && px >= p.left - 2 && px <= p.right + 2);
    if (!p || !p.at.length) return null;
    const t = view.from + (px - p.left) / (p.right - p.left) * (view.to - view.from), reach = 4 / (p.right - p.left) * (view.to - view.from);
    let best = null;
    for (const side of [py < p.middle ? 1 : 0, null]) {
      for (let i = first(p, t - reach), end = last(p, t + reach), far = reach; i < end; i++) {
        const d = Math.abs(p.at[i] - t);
        if (d <= far && (side === null || p.is_up[i] === side) && (best === null || d < far)) { best = i; far = d; }
      }
      if (best !== null) return [p, best];
    }
    return null;
  };
  let drag = null;
  drawing.addEventListener("pointermove", (e) => {
    if (drag) {
      const p = data.panels[0], width = (p.right - p.left) * drawing.clientWidth / data.width;
      const d = (drag.x - e.clientX) / width * (drag.view.to - drag.view.from);
      show(drag.view.from + d, drag.view.to + d);
      return;
    }
    choose(nearest(e));
  });
  drawing.addEventListener("pointerdown", (e) => { if (e.button === 0 && zoomed()) { drag = {x: e.clientX, view: {...view}}; drawing.setPointerCapture(e.pointerId); } });
  for (const end of ["pointerup", "pointercancel"]) drawing.addEventListener(end, () => { drag = null; });
  drawing.addEventListener("pointerleave", () => { if (!drag) choose(null); });
  drawing.addEventListener("dblclick", (e) => { const n = nearest(e); zoom(0.25, n ? n[0].at[n[1]] : undefined); });
  drawing.addEventListener("wheel", (e) => {
    if (!e.ctrlKey) return; // the page scrolls
    e.preventDefault();
    const n = nearest(e);
    zoom(e.deltaY > 0 ? 1.25 : 0.8, n ? n[0].at[n[1]] : undefined);
  }, {passive: false});
  const step = (by) => {
    const p = at ? at[0] : data.panels[0];
    const i = at ? Math.min(Math.max(at[1] + by, 0), p.at.length - 1) : first(p, view.from);
    if (!p.at.length) return;
    choose([p, Math.min(i, p.at.length - 1)]);
    const t = p.at[at[1]], span = view.to - view.from;
    if (t < view.from || t > view.to) show(t - span / 2, t + span / 2);
  };
  const hop = (by) => {
    const panels = data.panels, p = at ? at[0] : panels[0], next = panels[Math.min(Math.max(panels.indexOf(p) + by, 0), panels.length - 1)];
    const t = at ? p.at[at[1]] : view.from;
    if (next.at.length) choose([next, Math.min(first(next, t), next.at.length - 1)]);
  };
  const keys = {
    ArrowRight: () => step(1), ArrowLeft: () => step(-1), ArrowDown: () => hop(1), ArrowUp: () => hop(-1), Home: () => step(-1e9), End: () => step(1e9),
    "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), "0": () => show(whole.from, whole.to), PageDown: () => move(0.5), PageUp: () => move(-0.5), Escape: () => choose(null),
  };
  drawing.addEventListener("keydown", (e) => {
    const act = !e.ctrlKey && !e.altKey && !e.metaKey && keys[e.key];
    if (act) { e.preventDefault(); act(); }
  });
  drawing.addEventListener("blur", () => choose(null));
  new ResizeObserver(repaint).observe(drawing);
  button("+", "Zoom in", () => zoom(0.5));
  button("−", "Zoom out", () => zoom(2));
  button("◀", "Earlier", () => move(-0.5));
  button("▶", "Later", () => move(0.5));
  button("All", "Show all of the time", () => show(whole.from, whole.to));
  button("Save CSV", "Save CSV of the figure's packets", () => {
    const rows = [["sequence", "number", "after_ns", "length", "up", "flags", "phase", "fate", "class", "connection"]];
    for (const p of data.panels) p.at.forEach((t, i) => rows.push([p.name, p.number[i], t, p.length[i], p.is_up[i], p.texts[p.flags[i]], p.texts[p.phase[i]], p.texts[p.fate[i]], p.texts[p.label[i]], p.connection[i] || ""]));
    save(root.dataset.name + ".csv", "text/csv", csv(rows));
  });
  if (root.dataset.source) {
    readout.textContent = "Loading all packets";
    fetch(root.dataset.source).then((r) => { if (!r.ok) throw new Error(r.statusText); return r.json(); }).then((all) => {
      // The panels keep their places; the packets and colours are those of the whole.
      all.panels.forEach((p, i) => { const o = data.panels[i]; Object.assign(p, {left: o.left, right: o.right, top: o.top, bottom: o.bottom, middle: o.middle, up: o.up, down: o.down, strip: o.strip, axis: o.axis, from: o.from, to: o.to}); times(p); });
      Object.assign(data, {panels: all.panels, colors: all.colors, color_names: all.color_names, phase_names: all.phase_names, phase_colors: all.phase_colors, fetched: true});
      data.panels.forEach(paint);
      readout.textContent = "";
      root.dataset.ready = String(data.panels.reduce((n, p) => n + p.at.length, 0));
    }).catch((e) => { readout.textContent = "All packets cannot be loaded: " + e.message; });
  }
}

document.querySelectorAll(".table").forEach(table);
document.querySelectorAll("figure.plot").forEach(figure);
document.documentElement.dataset.ready = "yes";
})();

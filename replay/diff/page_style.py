"""The style sheet and the script of the report's page: ours alone, nothing recorded."""

STYLE = """
:root { color-scheme: light dark;
  --paper: #fbfaf7; --ink: #1d2430; --faint: #697386; --line: #e2e0d8; --card: #ffffff;
  --same: #2f8f5b; --bad: #c8402f; --amber: #b7791f; --blue: #2d62b8; --soft: #f1efe8;
  --minus: #fdecea; --plus: #e7f5ec; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #14171c; --ink: #e4e7ec; --faint: #8d97a7; --line: #2a303a; --card: #1b2027;
  --same: #5cc28a; --bad: #f0796a; --amber: #e0b25a; --blue: #7eaaf0; --soft: #222831;
  --minus: #3a2323; --plus: #1d3328; }
  .tag { color: #14171c !important } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif }
main { max-width: 1120px; margin: 0 auto; padding: 32px 24px 64px }
h1 { font-size: 26px; margin: 0; letter-spacing: -.01em }
h2 { font-size: 17px; margin: 36px 0 12px }
.sides { display: flex; flex-wrap: wrap; gap: 6px 24px; color: var(--faint); margin: 6px 0 20px }
.sides b { color: var(--ink); font-weight: 600 }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 18px 20px; overflow-x: auto }
.verdict { display: flex; align-items: center; gap: 14px; font-size: 17px; font-weight: 600 }
.dot { width: 14px; height: 14px; border-radius: 50%; flex: none; background: var(--bad) }
.ok .dot { background: var(--same) }
.bar { display: flex; height: 10px; border-radius: 5px; overflow: hidden; margin: 16px 0 10px;
  background: var(--soft) }
.bar i { display: block; min-width: 3px }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; color: var(--faint); font-size: 13.5px }
.legend i { display: inline-block; width: 9px; height: 9px; border-radius: 2px; margin-right: 6px }
.s-same { background: var(--same) } .s-different { background: var(--bad) }
.s-missing { background: var(--amber) } .s-extra { background: var(--blue) }
.s-moved { background: #9a6fd0 } .s-tolerated { background: var(--faint) }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th { text-align: right; font-weight: 500; color: var(--faint); font-size: 13px;
  padding: 4px 10px 8px; white-space: nowrap }
th:first-child, td:first-child { text-align: left; padding-left: 0 }
td { text-align: right; padding: 5px 10px; border-top: 1px solid var(--line); white-space: nowrap }
td.zero { color: var(--line) } td.bad { color: var(--bad); font-weight: 600 }
td.good { color: var(--same) }
code, .said, .frames { font: 13px/1.55 ui-monospace, "SF Mono", Consolas, monospace }
.talk { display: grid; grid-template-columns: 1fr 1fr; gap: 2px 14px }
.talk .head { color: var(--faint); font-size: 13px; padding-bottom: 6px }
.said { padding: 4px 8px; border-radius: 6px; overflow-wrap: anywhere; min-height: 28px }
.said .way { color: var(--faint); margin-right: 8px }
.said.minus { background: var(--minus) } .said.plus { background: var(--plus) }
.said.here { outline: 2px solid var(--bad) } .said.quiet { color: var(--faint) }
details { border-top: 1px solid var(--line) } details:first-of-type { border-top: 0 }
summary { padding: 8px 0; cursor: pointer; display: flex; gap: 12px; align-items: baseline }
summary .what { flex: 1; overflow-wrap: anywhere }
.frames { color: var(--faint); white-space: nowrap }
.tag { font-size: 12px; font-weight: 600; padding: 1px 8px; border-radius: 9px; color: #fff;
  flex: none }
.fields { margin: 2px 0 14px; width: 100% }
.fields td { text-align: left; white-space: normal; overflow-wrap: anywhere; width: 40% }
.fields td:first-child { width: 20%; color: var(--faint) }
.fields .a { background: var(--minus) } .fields .b { background: var(--plus) }
input { width: 100%; padding: 9px 12px; border: 1px solid var(--line); border-radius: 8px;
  background: var(--card); color: var(--ink); font: inherit; margin-bottom: 10px }
footer, .note { color: var(--faint); font-size: 13.5px } .note { margin: 4px 0 }
@media (max-width: 700px) { .talk { grid-template-columns: 1fr } .talk .none { display: none }
  main { padding: 20px 14px } }
"""

SCRIPT = """
const box = document.querySelector('input[type=search]');
if (box) box.addEventListener('input', () => {
  const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
  for (const one of document.querySelectorAll('details.one'))
    one.hidden = !words.every(word => one.textContent.toLowerCase().includes(word));
});
"""

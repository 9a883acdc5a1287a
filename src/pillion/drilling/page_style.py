"""The style sheet of the page of a drill. It loads nothing; light and dark follow the reader."""

STYLE = """
:root{color-scheme:light dark;--back:#f6f7fa;--card:#fff;--ink:#1d2433;--soft:#5b6579;--line:#d9deea;
--accent:#2f6fde;--good:#1f8a56;--good-back:#e4f4ec;--warn:#9a5b00;--warn-back:#fdf0d8;--bad:#bf2b33;
--bad-back:#fde6e6;--mute-back:#eef0f5;--p-wait:#d9deea;--p-pull:#c3cadb;--p-start:#8fa3cb;--p-run:#5b8def;--p-healthy:#2fa36b;
--p-ill:#d64550;--p-stop:#e0a030;--mark:#bf2b33}
@media(prefers-color-scheme:dark){:root{--back:#12161d;--card:#1a202b;--ink:#e9edf5;--soft:#a3adbf;
--line:#313a4a;--accent:#7fabff;--good:#62cf9a;--good-back:#15332a;--warn:#f0b95c;--warn-back:#3a2d14;
--bad:#ff8087;--bad-back:#43202a;--mute-back:#232a37;--p-wait:#3a4457;--p-pull:#4a566d;--p-start:#647aa6;--p-run:#4f7fdc;
--p-healthy:#2f9a68;--p-ill:#d9545e;--p-stop:#c98f2b;--mark:#ff8087}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);
font:15px/1.5 ui-sans-serif,system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1000px;margin:0 auto;padding:28px 20px 60px}
h1{font-size:26px;margin:0 0 2px}h2{font-size:19px;margin:36px 0 12px}h3{font-size:16px;margin:0}
p{margin:6px 0}.soft{color:var(--soft)}code{font:13px ui-monospace,SFMono-Regular,Menlo,monospace}
a{color:var(--accent)}
.tiles{display:flex;flex-wrap:wrap;gap:10px;margin:20px 0 12px}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;
padding:10px 16px;min-width:104px}
.tile b{display:block;font-size:24px;line-height:1.2}.tile span{color:var(--soft);font-size:13px}
.tile.good b{color:var(--good)}.tile.warn b{color:var(--warn)}.tile.bad b{color:var(--bad)}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:10px}
table.matrix{border-collapse:separate;border-spacing:4px;padding:8px;width:100%}
.matrix th{font-size:12.5px;font-weight:600;color:var(--soft);padding:4px 6px;
text-align:center;line-height:1.25}
.matrix th.who{text-align:right;color:var(--ink);font-size:14px;white-space:nowrap}
.matrix td{text-align:center;padding:0}
.matrix td a,.matrix td span{display:block;border-radius:7px;padding:7px 6px;
min-width:62px;text-decoration:none;
font-size:13.5px;line-height:1.25;color:inherit}
.matrix td small{display:block;font-size:11.5px;opacity:.8}
.matrix td a:hover{outline:2px solid var(--accent)}
.ok{background:var(--good-back);color:var(--good)}.differs{background:var(--warn-back);color:var(--warn)}
.danger{background:var(--bad-back);color:var(--bad)}.none{background:var(--mute-back);color:var(--soft)}
.matrix td span.gone{color:var(--line)}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 18px;margin:12px 0}
.card.danger-card{border-left:4px solid var(--bad)}.card ul{margin:6px 0;padding-left:20px}
.head{display:flex;flex-wrap:wrap;align-items:baseline;gap:6px 12px;justify-content:space-between}
.pill{font-size:12.5px;font-weight:600;border-radius:99px;padding:2px 11px}
.facts{display:flex;flex-wrap:wrap;gap:4px 18px;margin:8px 0;font-size:13.5px;color:var(--soft)}
.facts b{color:var(--ink);font-weight:600}
.note{font-size:13.5px;color:var(--soft)}.alarm{color:var(--bad);font-weight:600}
table.diff{border-collapse:collapse;width:100%;font-size:13.5px;margin:8px 0}
.diff th{text-align:left;color:var(--soft);font-weight:600;padding:3px 12px 3px 0}
.diff td{padding:5px 12px 5px 0;border-top:1px solid var(--line);vertical-align:top}
.diff td.why{color:var(--soft)}
.chart{overflow-x:auto;margin:10px -4px 0}.chart svg{display:block;min-width:620px;width:100%;height:auto}
.caption{font-size:12.5px;color:var(--soft);margin:10px 0 -4px;font-weight:600}
details{margin-top:10px;font-size:13.5px}summary{cursor:pointer;color:var(--soft)}
.story{overflow-x:auto}.story table{border-collapse:collapse;margin-top:6px}
.story td{padding:1px 14px 1px 0;white-space:nowrap}
.story td:first-child{text-align:right;font-variant-numeric:tabular-nums;color:var(--soft)}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:12.5px;color:var(--soft);margin:8px 2px}
.legend i{display:inline-block;width:16px;height:10px;border-radius:2px;margin-right:5px}
svg text{font:11.5px ui-sans-serif,system-ui,-apple-system,"Segoe UI",sans-serif;fill:var(--ink)}
svg .tick,svg .end{fill:var(--soft);font-size:11px}svg .struck{font-weight:700;fill:var(--mark)}
svg .grid{stroke:var(--line);stroke-width:1}svg .cut{fill:var(--mute-back)}
svg .mark{stroke:var(--mark);stroke-width:1.5;stroke-dasharray:4 3}
svg .mark-word{fill:var(--mark);font-size:11px;font-weight:600}
.waits{fill:var(--p-wait);background:var(--p-wait)}.pulling{fill:var(--p-pull);background:var(--p-pull)}
.starting{fill:var(--p-start);background:var(--p-start)}
.running{fill:var(--p-run);background:var(--p-run)}.healthy{fill:var(--p-healthy);background:var(--p-healthy)}
.unhealthy,.silent{fill:var(--p-ill);background:var(--p-ill)}
.stopping{fill:var(--p-stop);background:var(--p-stop)}.answers{fill:var(--p-healthy)}
@media(max-width:640px){main{padding:18px 12px 40px}h1{font-size:22px}
.tile{min-width:0;flex:1 1 28%;padding:8px 10px}
.card{padding:12px}.diff,.diff tbody,.diff tr,.diff td{display:block}.diff tr.titles{display:none}
.diff td{border-top:0;padding:1px 0}.diff tr{border-top:1px solid var(--line);padding:6px 0}
.diff td[data-is]::before{content:attr(data-is) ": ";color:var(--soft)}}
@media print{body{background:#fff}.card{break-inside:avoid}}
""".strip()

"""How public pages look: the house's colours and letters, one column, light and dark, from 320 pixels up."""

from __future__ import annotations

from teahouse.http.html import COLOURS

STYLE = (
    COLOURS
    + """
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: anywhere; min-height: 100vh;
  display: flex; flex-direction: column; line-break: strict;
  font: 1.0625rem/1.6 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; }
a { color: var(--leaf); text-underline-offset: .2em; }
a:focus-visible, summary:focus-visible, input:focus-visible, button:focus-visible, textarea:focus-visible,
  video:focus-visible, [tabindex]:focus-visible { outline: 3px solid var(--leaf); outline-offset: 2px;
  border-radius: .25rem; }
h1, h2, h3, .title { font-family: ui-serif, Georgia, "Songti SC", "Noto Serif CJK SC", serif; font-weight: 600;
  line-height: 1.25; }
h1 { font-size: clamp(1.6rem, 5vw, 2.1rem); margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; margin: 2.25rem 0 .75rem; } h3 { font-size: 1.1rem; margin: 1.5rem 0 .5rem; }
p { margin: .5rem 0 1rem; }
img, video { max-width: 100%; height: auto; }
.soft { color: var(--soft); } .small { font-size: .9rem; }
.skip { position: absolute; left: -100vw; top: 0; background: var(--card); padding: .75rem 1rem; z-index: 1; }
.skip:focus { left: 0; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.top { border-bottom: 1px solid var(--line); }
.top > div, main, .foot > div { width: 100%; max-width: 44rem; margin: 0 auto; padding: 0 1.25rem; }
.top > div { display: flex; flex-wrap: wrap; align-items: center; gap: 0 1.5rem; min-height: 3.5rem; }
.home { display: flex; align-items: center; gap: .5rem; color: inherit; text-decoration: none; font-weight: 600;
  min-height: 2.75rem; margin-inline-end: auto; }
.home svg { width: 1.75rem; height: 1.75rem; color: var(--leaf); flex: none; }
.top nav { display: flex; flex-wrap: wrap; gap: 0 1.25rem; }
.top nav a { display: inline-flex; align-items: center; min-height: 2.75rem; text-decoration: none; }
.top nav a:hover, .who:hover b, .card-link:hover .title { text-decoration: underline; }
.top nav [aria-current] { color: inherit; font-weight: 600; box-shadow: inset 0 -2px var(--leaf); }
main { flex: 1; padding-top: 2rem; padding-bottom: 3rem; }
.foot { border-top: 1px solid var(--line); color: var(--soft); font-size: .9rem; }
.foot > div { padding-top: 1rem; padding-bottom: 2rem; display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; }
.foot p { margin: .5rem auto .5rem 0; }
.foot ul, .pills { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0 1rem; }
.foot a { display: inline-flex; align-items: center; min-height: 2.5rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.25rem;
  margin: 0 0 1rem; }
.face { flex: none; width: 2.75rem; height: 2.75rem; border-radius: 50%; object-fit: cover; background: var(--leaf);
  color: var(--on-leaf); display: inline-flex; align-items: center; justify-content: center; font-weight: 600; }
.badge { color: var(--leaf); width: 1.1em; height: 1.1em; vertical-align: -.18em; margin-inline-start: .25em; }
.cover { display: block; width: 100%; aspect-ratio: 3 / 1; object-fit: cover; border-radius: .75rem;
  background: linear-gradient(135deg, var(--leaf), var(--line)); }
.plain-cover { aspect-ratio: 6 / 1; }
.account { margin-bottom: 2rem; }
.account .face { width: 6rem; height: 6rem; font-size: 2.25rem; border: .25rem solid var(--paper); margin-top: -3rem;
  margin-inline-start: .75rem; position: relative; }
.account .line { display: flex; flex-wrap: wrap; align-items: flex-start; gap: .5rem 1rem; }
.account .line > div { flex: 1 1 14rem; }
.account h1 { margin: .75rem 0 0; }
.account .description { white-space: pre-line; }
.facts { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; margin: .75rem 0;
  color: var(--soft); }
.facts b { color: var(--ink); }
.button { display: inline-flex; align-items: center; justify-content: center; min-height: 2.75rem;
  padding: .4rem 1.25rem; border-radius: 1.4rem; border: 0; font: inherit; font-weight: 600; text-decoration: none;
  background: var(--leaf); color: var(--on-leaf); cursor: pointer; }
.button.quiet { background: none; color: var(--leaf); border: 1px solid var(--leaf); }
.account .button { margin-top: .9rem; }
.post > header { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem .75rem; margin-bottom: .75rem; }
.who { display: flex; align-items: center; gap: .75rem; color: inherit; text-decoration: none; min-width: 0;
  margin-inline-end: auto; }
.who span { min-width: 0; line-height: 1.3; }
.who small { display: block; font-size: .9rem; color: var(--soft); }
.when { font-size: .9rem; color: var(--soft); text-decoration: none; } a.when:hover { text-decoration: underline; }
.label { font-size: .85rem; font-weight: 600; color: var(--leaf); }
.text { white-space: pre-line; margin: 0 0 1rem; }
.post > :last-child, .text:last-child, .poll > :last-child, .quote > :last-child, details > :last-child,
.card > :last-child { margin-bottom: 0; }
.card > :first-child { margin-top: 0; }
.post > footer { color: var(--soft); font-size: .9rem; margin-top: 1rem; }
.post > footer .facts { margin: 0; }
.post > footer .facts b { font-weight: 400; color: inherit; }
.single { font-size: 1.125rem; } .single h1 { margin-bottom: .9rem; }
.pictures { display: grid; gap: .375rem; margin: 0 0 1rem; padding: 0; list-style: none; border-radius: .5rem;
  overflow: hidden; }
.pictures li { margin: 0; min-width: 0; }
.pictures a { display: block; }
.pictures img { display: block; width: 100%; object-fit: cover; aspect-ratio: 1; background: var(--line); }
.several { grid-template-columns: 1fr 1fr; } .many { grid-template-columns: 1fr 1fr 1fr; }
.one img { aspect-ratio: auto; max-height: 80vh; object-fit: contain; }
figure { margin: 0 0 1.25rem; }
figure img { display: block; width: 100%; max-height: 85vh; object-fit: contain; border-radius: .5rem;
  background: var(--line); }
figcaption { color: var(--soft); font-size: .9rem; margin-top: .4rem; }
video { display: block; width: 100%; max-height: 80vh; border-radius: .5rem; background: #111; margin: 0 0 1rem; }
audio { display: block; width: 100%; margin: 0 0 1rem; }
.file { display: flex; gap: .75rem; align-items: center; border: 1px solid var(--line); border-radius: .5rem;
  padding: .75rem 1rem; margin: 0 0 1rem; }
.card-link { display: block; color: inherit; text-decoration: none; border: 1px solid var(--line);
  border-radius: .5rem; overflow: hidden; margin: 0 0 1rem; }
.card-link > img { display: block; width: 100%; aspect-ratio: 2 / 1; object-fit: cover; background: var(--line); }
.card-link > span { display: block; padding: .9rem 1rem; }
.card-link .title { display: block; font-size: 1.25rem; margin-bottom: .25rem; }
.poll { border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin: 0 0 1rem; }
.poll ol { list-style: none; padding: 0; margin: .75rem 0; } .poll li { margin: 0 0 .75rem; }
.poll .answer { display: flex; gap: 1rem; justify-content: space-between; }
.poll .answer span:last-child { flex: none; }
.poll svg { display: block; width: 100%; height: .5rem; margin-top: .2rem; border-radius: .25rem; color: var(--leaf);
  background: var(--line); }
.quote { border-inline-start: 3px solid var(--line); padding-inline-start: 1rem; margin: 0 0 1rem; }
.quote > header { margin-bottom: .5rem; }
.quote .face { width: 2rem; height: 2rem; font-size: .9rem; }
details { border: 1px solid var(--line); border-radius: .5rem; padding: 0 1rem; margin: 0 0 1rem; }
summary { cursor: pointer; padding: .75rem 0; font-weight: 600; }
details[open] > summary { margin-bottom: .5rem; }
.article { font-size: 1.125rem; line-height: 1.7; }
.article h2 { font-size: 1.4rem; } .article h3 { font-size: 1.2rem; } .article h4 { font-size: 1.05rem; }
.article img { border-radius: .5rem; } .article pre { white-space: pre-wrap; background: var(--card); padding: 1rem;
  border: 1px solid var(--line); border-radius: .5rem; }
.article blockquote { margin: 1rem 0; border-inline-start: 3px solid var(--leaf); padding-inline-start: 1rem;
  color: var(--soft); }
.article table { border-collapse: collapse; width: 100%; } .article td, .article th { border: 1px solid var(--line);
  padding: .4rem .6rem; text-align: start; vertical-align: top; }
.article hr { border: 0; border-top: 1px solid var(--line); margin: 2rem 0; }
.article li { margin: .3rem 0; }
.notice { border-inline-start: 3px solid var(--leaf); background: var(--card); padding: .75rem 1rem; margin: 0 0 1rem; }
.notice p { margin: .25rem 0; }
.comments { list-style: none; padding: 0; margin: 0; } .comments .comments { margin-inline-start: 1.25rem;
  padding-inline-start: 1rem; border-inline-start: 2px solid var(--line); }
.comments li { margin: 0 0 1.25rem; } .comments li li { margin: 1rem 0 0; }
.comments header { font-size: .95rem; }
.comments p { margin: .2rem 0; white-space: pre-line; }
.pager { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; justify-content: space-between; margin-top: 1.5rem; }
.pager a { display: inline-flex; align-items: center; min-height: 2.75rem; }
.pills { gap: .5rem; margin: 0 0 1.5rem; }
.pills a { display: inline-flex; align-items: center; min-height: 2.5rem; padding: .2rem .9rem; border-radius: 1.25rem;
  border: 1px solid var(--line); text-decoration: none; }
.pills [aria-current] { background: var(--leaf); color: var(--on-leaf); border-color: var(--leaf); }
.search { display: flex; flex-wrap: wrap; gap: .5rem; margin: 0 0 1rem; }
.search label { flex: 1 1 100%; font-weight: 600; }
.search input { flex: 1 1 12rem; min-width: 0; font: inherit; color: inherit; background: var(--card);
  border: 1px solid var(--soft); border-radius: 1.4rem; padding: .5rem 1.1rem; min-height: 2.75rem; }
.listed { list-style: none; padding: 0; margin: 0; }
.listed li { display: flex; gap: 1rem; padding: 1rem 0; border-bottom: 1px solid var(--line); }
.listed .face { width: 3.25rem; height: 3.25rem; }
.listed div { min-width: 0; } .listed p { margin: .25rem 0; }
.listed .name { font-weight: 600; }
.empty { text-align: center; color: var(--soft); padding: 3rem 1rem; }
.empty svg { width: 3.5rem; height: 3.5rem; color: var(--leaf); }
.address { display: block; font: .95em ui-monospace, monospace; padding: .75rem 1rem; margin: .5rem 0;
  border: 1px dashed var(--soft); border-radius: .5rem; user-select: all; }
code { font: .95em ui-monospace, monospace; }
.actions { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1rem 0 0; }
.plain { list-style: none; padding: 0; margin: 0; }
.qr { display: block; width: 12rem; height: 12rem; background: #fff; padding: .5rem; border-radius: .5rem; }
textarea { width: 100%; font: .9rem/1.5 ui-monospace, monospace; color: inherit; background: var(--paper);
  border: 1px solid var(--soft); border-radius: .5rem; padding: .75rem; margin: .5rem 0; word-break: break-all; }
.front ol { padding-inline-start: 1.25rem; } .front li { margin: .4rem 0; }
.front > svg { width: 3.5rem; height: 3.5rem; color: var(--leaf); }
.corrected { font-weight: 600; color: var(--leaf); }
@media (max-width: 24rem) { .many { grid-template-columns: 1fr 1fr; } .account .face { width: 4.5rem; height: 4.5rem;
  margin-top: -2.25rem; } }
@media (prefers-contrast: more) { :root { --soft: var(--ink); --line: var(--ink); } }
@media (forced-colors: active) { .button, .pills [aria-current], .face { border: 1px solid; } }
@media print { .top, .foot, .pager, .button { display: none; } }
"""
)

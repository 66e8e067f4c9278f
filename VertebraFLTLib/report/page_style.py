"""The report page's frame: its style sheet and the skeleton that content is put into."""

from __future__ import annotations

from string import Template

CSS = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1.25rem 4rem; color: #1f2328; background: #fff;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; padding-bottom: .25rem; border-bottom: 1px solid #d0d7de; }
p { margin: .4rem 0; max-width: 48rem; }
.sub { color: #57606a; margin: .2rem 0 1rem; overflow-wrap: anywhere; }
.box { border-left: 4px solid; padding: .6rem .9rem; margin: .8rem 0; border-radius: 0 4px 4px 0; }
.notice { border-color: #57606a; background: #f6f8fa; }
.warning { border-color: #d55e00; background: #fff4ec; }
.box ul { margin: .3rem 0 0; padding-left: 1.2rem; }
.box li { margin: .15rem 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .5rem 0; font-size: .86rem; font-variant-numeric: tabular-nums; }
th, td { padding: .22rem .6rem; text-align: left; vertical-align: top; border-bottom: 1px solid #eaeef2; }
thead th { border-bottom: 2px solid #8c959f; white-space: nowrap; }
td.n, th.n { text-align: right; white-space: nowrap; }
td.t { overflow-wrap: anywhere; }
tr.low td { background: #fff4ec; }
tr.total td { border-top: 2px solid #57606a; }
.facts th { color: #57606a; font-weight: 500; white-space: nowrap; }
figure { margin: 1rem 0 1.6rem; }
figure img { max-width: 100%; height: auto; display: block; }
figure.tall img { max-height: 60rem; }
figcaption { color: #57606a; font-size: .86rem; margin-top: .4rem; max-width: 48rem; }
code { font-size: .85em; overflow-wrap: anywhere; }
details { margin: .6rem 0; }
summary { cursor: pointer; color: #57606a; }
footer { margin-top: 3rem; color: #57606a; font-size: .82rem; }
@page { margin: 15mm; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  h2 { break-after: avoid; }
  figure, tr, .box { break-inside: avoid; }
  figure.tall img { max-height: 225mm; }
  .wide { overflow: visible; }
  table { font-size: 7.5pt; }
  th, td { padding: .12rem .3rem; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""

PAGE = Template(
    """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="VertebraFLT $version">
<title>$title</title>
<style>$css</style>
</head>
<body>
$body
</body>
</html>
"""
)

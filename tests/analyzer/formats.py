#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The formats for build machines: what their readers require, of every trace and of hostile names.

usage: formats.py GTRACE ASSEMBLE SOURCE

With ONE_IN=N in the environment only one trace in N is looked at.  With SARIF_SCHEMA=FILE there and the module
jsonschema, SARIF's own schema is asked too.
"""
import html
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.parse
import xml.etree.ElementTree as xml

# junit-10.xsd: attributes (a * marks a required one), and elements inside.
JUNIT = {
    "testsuites": ("name time tests failures errors", "testsuite"),
    "testsuite": ("*name *tests *failures *errors group time skipped timestamp hostname id package file log url",
                  "testsuite properties testcase system-out system-err"),
    "properties": ("", "property"),
    "property": ("*name *value", ""),
    "testcase": ("*name time classname group", "skipped error failure system-out system-err"),
    "failure": ("type message", ""),
    "system-out": ("", ""),
}
# SARIF 2.1.0: type, required, for each of its objects that we write; a property not named is none of it.
SARIF = {
    "log": {"$schema": "uri", "*version": ["2.1.0"], "*runs": ("run",)},
    "run": {"*tool": "tool", "invocations": ("invocation",), "columnKind": ["utf16CodeUnits", "unicodeCodePoints"],
            "results": ("result",), "properties": dict},
    "tool": {"*driver": "driver"},
    "driver": {"*name": str, "version": str, "semanticVersion": "semver", "rules": ("rule",)},
    "rule": {"*id": str, "shortDescription": "message", "fullDescription": "message", "help": "message",
             "properties": dict},
    "invocation": {"*executionSuccessful": bool},
    "result": {"ruleId": str, "ruleIndex": int, "level": ["none", "note", "warning", "error"], "*message": "message",
               "locations": ("location",), "relatedLocations": ("location",), "partialFingerprints": dict,
               "occurrenceCount": "positive", "baselineState": ["new", "unchanged", "updated", "absent"],
               "suppressions": ("suppression",), "properties": dict},
    "message": {"text": str},
    "location": {"id": int, "physicalLocation": "physical", "logicalLocations": ("logical",), "message": "message"},
    "physical": {"artifactLocation": "artifact", "region": "region"},
    "artifact": {"uri": "uri", "uriBaseId": str},
    "region": {"startLine": "positive"},
    "logical": {"name": str, "kind": str},
    "suppression": {"*kind": ["inSource", "external"], "status": ["accepted", "underReview", "rejected"]},
}
HOSTILE = """\
header program='<b>"]]>' pid=42 maxprocs=1 level=sync
1000 t1 GO_NEW g=1 site=main.c:3:main:go:app
2000 t1 GO_START g=1
2100 t1 GO_NEW g=2 site='../a b.c':20:'op<>|%0A`x`':go:'w|r{0}'
2300 t1 GO_PARK reason='IO wait' site=main.c:30:app:io:fd
2400 t1 GO_START g=2
2500 t1 OBJ_NEW obj=1 type=chan site='e,v:i%25l"\\xef\\xbf\\xbe.c':17:'f\\x0a::error::x':'chan make':'%(name)s' cap=0
2600 t1 GO_PARK reason='chan send' obj=1 site='e,v:i%%25l"<script>|\\x0a]]>#?.c':5:'a&b<c>':'chan send':x
end signal 15
"""
NAME = r"c]]><script>|`*_[x](http://e.x)\x0a::error::{0}{\x1b[2J}&lt;%0A"


class Failure(Exception):
    """What is wrong."""


def need(truth, what):
    """Fail unless it is true."""
    if not truth:
        raise Failure(what)


def check_junit(text, report):
    """The rules of junit-10.xsd, and as many failures as findings that count."""
    def walk(element):
        attributes, inside = JUNIT[element.tag]
        known = attributes.replace("*", "").split()
        need(all(name in known for name in element.attrib), f"{element.tag} has {list(element.attrib)}")
        for name in attributes.split():
            need(name[0] != "*" or name[1:] in element.attrib, f"{element.tag} lacks {name}")
        need(re.fullmatch(r"[0-9]*(\.[0-9]*)?", element.get("time", "0")), "a time")
        for child in element:
            need(child.tag in inside.split(), f"{child.tag} in {element.tag}")
            walk(child)
        need(not (inside and (element.text or "").strip()), f"text in {element.tag}")

    root = xml.fromstring(text)
    need(root.tag == "testsuites" and len(root) == 1, "not one suite")
    walk(root)
    cases = root.findall("./testsuite/testcase")
    names = [case.get("name") for case in cases]
    need(len(set(names)) == len(names) >= 6, f"cases {names}")
    failed = [case for case in cases if case.find("failure") is not None]
    for suite in root, root[0]:
        need(int(suite.get("tests")) == len(cases), "the number of tests")
        need(int(suite.get("failures")) == len(failed), "the number of failures")
    for kind, count in counting(report).items():
        got = [case for case in cases if case.get("name") == kind]
        need(len(got) == 1 and len(got[0].findall("failure")) == count, f"failures of {kind}")
    need(len(failed) == len(counting(report)), "more failures than findings")
    said = "".join(root.itertext())
    for finding in report["findings"]:
        need(finding["fingerprint"] in said, "no fingerprint")


def counting(report):
    """How many findings of each kind count for the exit status, by default."""
    kinds = {}
    for finding in report["findings"]:
        certain = finding["certainty"] in ("proven", "probable")
        if certain or (finding["certainty"], finding["severity"]) == ("fact", "error"):
            kinds[finding["kind"]] = kinds.get(finding["kind"], 0) + 1
    return kinds


def check_sarif_value(value, kind, where):
    """One value against SARIF."""
    if isinstance(kind, tuple):
        need(isinstance(value, list), f"{where} is no list")
        for index, item in enumerate(value):
            check_sarif_value(item, kind[0], f"{where}[{index}]")
    elif isinstance(kind, list):
        need(value in kind, f"{where} is {value}")
    elif isinstance(kind, type):
        need(type(value) is kind, f"{where} is {value}")
    elif kind == "uri":
        need(re.fullmatch(r"([A-Za-z0-9._~/:-]|%[0-9A-F]{2})+", value), f"{where} is {value}")
        need(not value.startswith("//"), f"{where} is {value}")
    elif kind == "semver":
        need(re.fullmatch(r"\d+\.\d+\.\d+", value), f"{where} is {value}")
    elif kind == "positive":
        need(type(value) is int and value > 0, f"{where} is {value}")
    else:
        rules = SARIF[kind]
        need(isinstance(value, dict), f"{where} is no object")
        for name in rules:
            need(name[0] != "*" or name[1:] in value, f"{where} lacks {name[1:]}")
        for name, item in value.items():
            rule = rules.get(name, rules.get("*" + name))
            need(rule is not None, f"{where} has {name}")
            check_sarif_value(item, rule, f"{where}.{name}")
        need(kind != "message" or value.get("text"), f"{where} says nothing")


def check_sarif(text, report):
    """SARIF's required properties, types and words; then that it says what report.json says."""
    log = json.loads(text)
    check_sarif_value(log, "log", "log")
    if os.environ.get("SARIF_SCHEMA"):
        import jsonschema
        jsonschema.validate(log, json.loads(pathlib.Path(os.environ["SARIF_SCHEMA"]).read_text()))
    rules = [rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]]
    results = log["runs"][0]["results"]
    need(len(results) == len(report["findings"]), "results")
    need(len(set(rules)) == len(rules), "a rule twice")
    errors = [result for result in results if result["level"] == "error"]
    need(len(errors) == sum(counting(report).values()), "errors")
    for result, finding in zip(results, report["findings"]):
        need(rules[result["ruleIndex"]] == result["ruleId"] == finding["kind"], "the rule of a result")
        need(result["partialFingerprints"] == {"gtrace/v1": finding["fingerprint"]}, "a fingerprint")
        need(len(result["locations"]) <= 1, "locations")
        place = finding["blocked_at"] or finding["born_at"]
        if place and place["file"]:
            location = result["locations"][0]["physicalLocation"]
            uri = urllib.parse.unquote(location["artifactLocation"]["uri"])
            need(uri == place["file"], f"the file is {uri}")
            need(location["artifactLocation"]["uriBaseId"] == "%SRCROOT%", "the base")
            need(location["region"]["startLine"] == place["line"], "the line")
        related = result["relatedLocations"]
        need([one["id"] for one in related] == sorted({one["id"] for one in related}), "ids")
        where = {urllib.parse.unquote(one["physicalLocation"]["artifactLocation"]["uri"]) for one in related}
        for one in [finding["born_at"]] + [thing["made_at"] for thing in finding["objects"]]:
            need(one is None or not one["file"] or one["file"] in where, "a related location")
        plain = re.sub(r"\{\{|\}\}", "", result["message"]["text"])
        need("{" not in plain and "}" not in plain and "](" not in plain, "a placeholder or a link")


def check_github(text, report):
    """One command a line, and nothing in it that ends a value early."""
    lines = text.splitlines()
    need(text.count("\n") == len(lines) == len(report["findings"]), "lines")
    for line, finding in zip(lines, report["findings"]):
        got = re.fullmatch(r"::(error|warning|notice) ((?:[a-z]+=[^:,]*,)*title=[^:,]*)::(.*)", line)
        need(got and not re.search(r"%(?!25|0A|0D|3A|2C)", line), f"command {line}")
        need(not re.search(r"[\x00-\x1f\x7f]", line), "a control character")
        plain = {key: urllib.parse.unquote(value) for key, value in
                 (pair.split("=", 1) for pair in got[2].split(","))}
        place = finding["blocked_at"] or finding["born_at"]
        if place and place["file"]:
            need(shown(plain["file"]) == shown(place["file"]) and plain["line"] == str(place["line"]), "the place")
        need(plain["title"] == finding["kind"], "the title")
        message = urllib.parse.unquote(got[3])
        need(message.startswith(shown(finding["title"])) or "\n" in finding["title"], "the message")
        need(finding["fingerprint"] in message, "no fingerprint")


def shown(text):
    """Control characters as the reports show them."""
    return re.sub(r"[\x00-\x09\x0b-\x1f\x7f]", lambda c: f"\\x{ord(c[0]):02x}", text)


def check_markdown(text, report):
    """As many rows and blocks as findings, of as many cells; what is in them is only text."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    need(len(rows) == (len(report["findings"]) + 2 if report["findings"] else 0), "rows")
    need(all(row.count("|") == 7 for row in rows), "cells")
    tags = re.findall(r"<[^>]*>", text)
    need(set(tags) <= {"<details>", "</details>", "<summary>", "</summary>"}, f"tags {set(tags)}")
    need(tags.count("<details>") == tags.count("</details>") == len(report["findings"]), "blocks")
    plain = text.replace("**", "")
    need(not re.search(r"[`*_\[\]\\@$\x00-\x09\x0b-\x1f\x7f]", plain), "markup")
    need("://" not in text and "](" not in text, "a link")
    said = html.unescape(text)
    for finding in report["findings"]:
        need(shown(finding["title"]).replace("\n", " ") in said, "a title")
        need(finding["fingerprint"] in said, "no fingerprint")


CHECKS = {"junit": check_junit, "sarif": check_sarif, "github": check_github, "markdown": check_markdown}


def analyze(gtrace, trace, kind):
    """The report of that format; the exit status must agree with it."""
    done = subprocess.run([gtrace, "analyze", "--no-plots", "--format", kind, trace], check=False,
                          capture_output=True, timeout=60)
    need(done.returncode in (0, 1) and not done.stderr, f"status {done.returncode}: {done.stderr}")
    return done.returncode, done.stdout.decode()


def main():
    """Every trace in every format."""
    gtrace, assemble, source = sys.argv[1:]
    bad = 0
    with tempfile.TemporaryDirectory(dir=".") as folder:
        hostile = pathlib.Path(folder, "hostile.txt")
        hostile.write_text(HOSTILE.replace("%(name)s", NAME).replace("%%", "%"))
        traces = sorted(pathlib.Path(source, "tests/traces").glob("*.txt"))[::int(os.environ.get("ONE_IN", 1))]
        for path in traces + [hostile]:
            trace = str(pathlib.Path(folder, path.stem + ".gtrace"))
            subprocess.run([assemble, str(path), trace], check=True)
            status, text = analyze(gtrace, trace, "json")
            report = json.loads(text)
            for kind, check in CHECKS.items():
                try:
                    again, text = analyze(gtrace, trace, kind)
                    need(again == status == bool(counting(report)), "the exit status")
                    check(text, report)
                except (Failure, ValueError, KeyError, IndexError, xml.ParseError) as why:
                    print(f"FAILED: {path.stem} as {kind}: {why!r}\n{text}")
                    bad = 1
        need(report["findings"], "the hostile trace has no findings")
    return bad


sys.exit(main())

"""SARIF against the published schema, which is not ours to keep here.

Set SARIF_SCHEMA to a copy of sarif-schema-2.1.0.json (OASIS publishes it; the npm package
@microsoft/jest-sarif holds one). Without it, `test_formats` still pins every member.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pillion.checking.check import check_document
from pillion.checking.formats import to_sarif
from pillion.core.rules.catalogue import RULES
from pillion.documents.load import read_document
from pillion.documents.source import Syntax

SCHEMA = os.environ.get("SARIF_SCHEMA")


@pytest.mark.skipif(SCHEMA is None, reason="SARIF_SCHEMA names no copy of the schema")
def test_every_kind_of_finding_is_valid_sarif() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(Path(SCHEMA or "").read_text(encoding="utf-8"))
    documents = [
        check_document(read_document(json.dumps(rule.bad), f"{rule.code}.json", Syntax.JSON))
        for rule in RULES
        if rule.code != "S010"
    ]
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert list(validator.iter_errors(json.loads(to_sarif(documents, version="0.1.0")))) == []

"""One call of `pillion check`: all files, with their settings, and what came of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct, field

from pillion.checking.check import CheckedDocument, CheckOptions, check_document
from pillion.checking.files import Candidate, candidates
from pillion.checking.settings import CheckSettings, settings_for
from pillion.checking.summary import fails
from pillion.core.findings import Severity
from pillion.documents.load import DocumentError, load_document
from pillion.documents.source import Document
from pillion.inputs import KNOWN_KINDS, find_definitions

_REPAIRS_MAX = 5
"""Rounds of repairs; more than two have not been seen to be needed."""


class Session(Struct):
    """Checks files one after the other, and remembers what could not be read.

    Attributes:
        ignore: Codes from the command line; those of pillion.toml are added.
        launch_types: Launch types from the command line, likewise.
        family: The only definition to look at, or None.
        threshold: Severity from the command line that makes the check fail; None with `threshold_given`
            means that nothing does.
        threshold_given: Whether the command line says so, rather than pillion.toml.
        problems: What could not be read, as texts.
        failed: Whether a document has findings at or above its threshold.
    """

    ignore: frozenset[str] = frozenset()
    launch_types: frozenset[str] = frozenset()
    family: str | None = None
    threshold: Severity | None = None
    threshold_given: bool = False
    problems: list[str] = field(default_factory=list)
    failed: bool = False
    _settings: dict[Path, CheckSettings] = field(default_factory=dict)

    def check_all(self, paths: Sequence[str]) -> list[CheckedDocument]:
        """Check everything behind the names; what holds no definition is left out.

        Raises:
            CheckSettingsError: A pillion.toml cannot be used.
        """
        found = []
        for candidate in candidates(tuple(paths)):
            checked = self._check_file(candidate)
            if checked is not None and checked.definitions:
                found.append(checked)
        return found

    def check(self, document: Document, *, expected: bool) -> CheckedDocument:
        """Check a document with the settings of its folder."""
        settings = self._settings_for(document.name)
        options = CheckOptions(
            ignore=self.ignore | settings.ignore,
            launch_types=self.launch_types | settings.launch_types,
            choose=self.family,
        )
        checked = check_document(document, options, expected=expected)
        threshold = self.threshold if self.threshold_given else settings.threshold
        self.failed = self.failed or fails(checked.findings, threshold)
        return checked

    def _check_file(self, candidate: Candidate) -> CheckedDocument | None:
        try:
            document = load_document(candidate.path)
        except DocumentError as error:
            self.problems.append(str(error))
            return None
        checked = self.check(document, expected=candidate.named)
        if candidate.named and not checked.definitions:
            self.problems.append(f"{document.name}: {self._nothing_in(document)}")
        return checked

    def _nothing_in(self, document: Document) -> str:
        """Say that a document has nothing to check, and what it has or should have."""
        names = [subject.name or "one without a name" for subject in find_definitions(document.value)]
        if names:
            return f"holds no task definition {self.family!r}; it has {', '.join(names)}."
        return f"holds no task definition.\n  {KNOWN_KINDS}"

    def _settings_for(self, name: str) -> CheckSettings:
        folder = Path(name).parent
        if folder not in self._settings:
            self._settings[folder] = settings_for(name)
        return self._settings[folder]

    def repair(self, documents: Sequence[CheckedDocument]) -> list[tuple[Document, CheckedDocument]]:
        """Repair documents, and check what comes of it.

        Repairs are made until none is left, because one can open the way for the next.

        Returns:
            Each document as it was, with what its repaired text was found to be.
        """
        self.failed = False
        return [(checked.document, self._repair(checked)) for checked in documents]

    def _repair(self, checked: CheckedDocument) -> CheckedDocument:
        from pillion.checking.fixes import edits_of, repaired

        for _ in range(_REPAIRS_MAX):
            document = repaired(checked.document, edits_of(checked))
            if document.text == checked.document.text:
                break
            checked = self._check_quietly(document)
        return self.check(checked.document, expected=True)

    def _check_quietly(self, document: Document) -> CheckedDocument:
        """Check a text on the way, which does not count for the outcome."""
        failed = self.failed
        checked = self.check(document, expected=True)
        self.failed = failed
        return checked

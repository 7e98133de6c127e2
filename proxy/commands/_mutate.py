"""What `understudy mutate` does: read, change, write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from proxy.mutation.copying import Copy
from proxy.mutation.engine import Mutations
from proxy.mutation.rewriting import Rewriting, Rewritten
from proxy.mutation.rulefile import RuleSet, read_rules
from recordings.choosing import one_session, open_recording
from recordings.drafting import drafted
from recordings.errors import UserError
from recordings.hints import words_of
from recordings.model import Direction, Key
from recordings.nearest import meant
from recordings.reader import Reader
from recordings.rows import SessionRow


def mutate(
    file: Path,
    session: int | None,
    sets: Sequence[str],
    rules: Path | None,
    seed: int | None,
    write: Path,
    given: Sequence[Key] = (),
    secrets: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Write the copy; gives lines that say what was done. Raises UserError."""
    if not sets and rules is None:
        raise UserError("there is nothing to change: give --set KIND.FIELD=VALUE or --rules FILE")
    if write.exists() and file.exists() and write.samefile(file):
        raise UserError(f"{write} is the recording itself: give -w another name")
    rule_set = read_rules(rules, sets, seed)
    secrets = dict(secrets or {})
    with open_recording(file) as reader:
        row = one_session(reader, session)
        keys = [*_given(reader, row.id), *given]
        mutations = Mutations(rule_set)
        flows = reader.flows(row.id)
        work = Rewriting(flows, mutations, keys=keys, secrets=secrets)
        made = work.run(reader.frames(session_id=row.id))
        if not made.notes and not any(one.found for one in mutations.totals()):
            why = _unknown(rule_set, sets, words_of(reader).kinds)
            raise UserError(f"no rule found a frame in session {row.id}: {why}nothing is written")
        note = _note(file, row, rules, sets, rule_set)
        with drafted(write) as recording:
            copy = Copy(recording, row, flows, note, keys=keys, secrets=secrets)
            copy.write(made)
    yield from _report(rule_set, mutations, made)
    yield f"wrote {write}: session {copy.id}, {copy.frames:,} frames, {copy.changed:,} changed"


def _unknown(rules: RuleSet, sets: Sequence[str], kinds: Mapping[str, int]) -> str:
    """Which kind that was asked for the recording has not, and which one may be meant."""
    asked = [term.value for rule in rules.rules for term in rule.terms if term.operator == "k"]
    asked += [
        text.partition("=")[0].split(".")[0] for text in sets if "." in text.partition("=")[0]
    ]
    for kind in asked:
        if "*" not in kind and kind not in kinds:
            hint = meant(kind, kinds)
            return f"it has no kind {kind}{f', {hint}' if hint else ''}; "
    return ""


def _given(reader: Reader, session: int) -> list[Key]:
    """Keys that the user gave when the session was recorded."""
    return [
        Key(
            row.name,
            row.key,
            row.cipher,
            Direction.parse(row.direction) if row.direction else None,
            row.source,
        )
        for row in reader.keys(session)
        if row.source == "given"
    ]


def _note(
    file: Path, row: SessionRow, rules: Path | None, sets: Sequence[str], rule_set: RuleSet
) -> str:
    by = [*([rules.name] if rules else []), *(f"--set {text}" for text in sets)]
    seed = f", seed {rule_set.seed}" if rules else ""
    note = f"session {row.id} of {file.name} changed by {', '.join(by)}{seed}"
    return f"{row.note}; {note}" if row.note else note


def _report(rule_set: RuleSet, mutations: Mutations, made: Rewritten) -> Iterator[str]:
    for rule, count in zip(rule_set.rules, mutations.totals(), strict=True):
        did = f"changed {count.changed:,} of {count.found:,} frames that it found"
        yield f"{rule.title}: {did if count.found else 'found no frame'}"
    if made.unread:
        yield (
            f"{made.unread:,} frames could not be deciphered again and stay as they are: "
            "give --key or --game-key"
        )

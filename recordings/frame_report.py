"""One frame with all that belongs to it, gathered, and as one object for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from recordings.errors import UserError
from recordings.listing import portable
from recordings.model import Frame, Json
from recordings.reader import Reader
from recordings.rows import EventRow, FlowRow, KeyRow, NoteRow, SessionRow
from recordings.text import load
from recordings.viewing import Shown, Viewer

OPAQUE = "Opaque"


@dataclass(frozen=True, slots=True)
class Report:
    """A frame, how its protocol reads it now, and its surroundings."""

    frame: Frame
    shown: Shown
    sent: Shown | None
    """The forwarded bytes as a message, when they differ."""
    flow: FlowRow
    session: SessionRow
    before: Frame | None
    """The frame before it in its flow."""
    opened: list[FlowRow]
    """Flows that this frame led to."""
    gave: list[KeyRow]
    used: list[KeyRow]
    events: list[EventRow]
    notes: list[NoteRow]

    @property
    def checks(self) -> dict[str, str]:
        """The results of the checks that the dissector made, by field."""
        checks = (self.frame.derived or {}).get("checks")
        return {str(k): str(v) for k, v in checks.items()} if isinstance(checks, dict) else {}

    def meaning(self, message: str, name: str) -> str:
        """What a field means; of a bundle only the messages of the frame's own kind are known."""
        kinds = {
            f"messages[{index}]": one.get("kind")
            for index, one in enumerate(self.shown.fields.get("messages") or ())
            if message and isinstance(one, dict)
        }
        if message and kinds.get(message) != self.shown.kind:
            return ""
        return self.shown.meanings.get(name.partition("[")[0], "")


def make_report(reader: Reader, frame: Frame, viewer: Viewer | None) -> Report:
    """Gather what belongs to a frame; raises UserError for one that belongs to nothing."""
    flow = next((one for one in reader.flows() if one.id == frame.flow_id), None)
    sessions = {one.id: one for one in reader.sessions()}
    if flow is None or flow.session_id not in sessions:
        raise UserError(
            f"frame {frame.id} of {reader.path} belongs to no flow or no session: "
            "take a copy that was not changed by another program"
        )
    session = sessions[flow.session_id]
    keys = reader.keys(session.id)
    earlier = reader.frames(flow_id=flow.id, before=frame.id, newest_first=True, limit=1)
    sent = None
    if frame.sent is not None and frame.raw is not None:
        forwarded = replace(frame, raw=frame.sent, plain=None, sent=None, kind=None, fields=None)
        sent = shown_of(flow.protocol, forwarded, viewer)
    return Report(
        frame=frame,
        shown=shown_of(flow.protocol, frame, viewer),
        sent=sent,
        flow=flow,
        session=session,
        before=next(earlier, None),
        opened=[one for one in reader.flows() if one.parent_frame_id == frame.id],
        gave=[key for key in keys if key.frame_id == frame.id],
        used=[key for key in keys if frame.cipher and _serves(key, frame)],
        events=[event for event in reader.events(session.id) if event.frame_id == frame.id],
        notes=[note for note in reader.notes(session.id) if note.frame_id == frame.id],
    )


def _serves(key: KeyRow, frame: Frame) -> bool:
    """Whether a key may have deciphered the frame."""
    return (
        key.cipher == frame.cipher
        and key.flow_id in (None, frame.flow_id)
        and key.direction in (None, frame.direction)
        and (key.frame_id is None or key.frame_id <= frame.id)
    )


def shown_of(protocol: str, frame: Frame, viewer: Viewer | None) -> Shown:
    """The message now; as it was seen when recorded, if that is more."""
    now = viewer.view(frame.protocol or protocol, frame) if viewer else Shown(OPAQUE, {})
    fields = load(frame.fields)
    if now.kind == OPAQUE and frame.kind not in (None, OPAQUE) and isinstance(fields, dict):
        return Shown(frame.kind or OPAQUE, fields, frame.error)
    return now


def as_json(report: Report) -> dict[str, Json]:
    """The report as one object; bytes as hex."""
    frame = asdict(report.frame)
    del frame["keys"]
    frame["fields"] = load(report.frame.fields)

    def rows(found: list[KeyRow] | list[FlowRow] | list[EventRow] | list[NoteRow]) -> Json:
        return [portable(asdict(one)) for one in found]

    return {
        "frame": portable(frame),
        "view": asdict(report.shown),
        "sent_view": asdict(report.sent) if report.sent else None,
        "flow": asdict(report.flow),
        "session": asdict(report.session),
        "opened": rows(report.opened),
        "keys_given": rows(report.gave),
        "keys_used": rows(report.used),
        "events": rows(report.events),
        "notes": rows(report.notes),
    }

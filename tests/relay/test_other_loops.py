"""The relay behaves the same on loops without the short way: those of macOS and of Windows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from proxy.relay import stream
from tests.relay import harness, test_dns, test_last_bytes, test_tcp, test_udp
from tests.relay.test_udp_sessions import test_a_crowd_behind_one_address_is_told_apart as crowd

IMPORTANT: tuple[Callable[[], None], ...] = (
    test_tcp.test_bytes_go_both_ways_and_the_sink_sees_them_all,
    test_tcp.test_what_the_client_says_before_the_server_is_there_arrives,
    test_tcp.test_a_server_that_greets_first_is_heard_without_a_word,
    test_tcp.test_half_close_of_the_client_leaves_the_answer_open,
    test_tcp.test_half_close_of_the_server_leaves_the_client_talking,
    test_tcp.test_a_reset_of_the_client_reaches_the_server_as_one,
    test_tcp.test_a_reset_of_the_server_reaches_the_client_as_one,
    test_tcp.test_a_held_direction_is_forwarded_as_the_sink_says,
    test_tcp.test_what_is_kept_back_goes_on_at_a_mebibyte_and_at_the_end,
    test_tcp.test_a_refused_upstream_is_an_event_and_the_client_is_closed,
    test_tcp.test_reading_pauses_while_the_store_is_congested,
    test_tcp.test_a_stand_in_takes_over_when_the_server_refuses,
    test_tcp.test_many_clients_at_once,
    test_tcp.test_stopping_tells_the_sinks_and_delivers_what_was_kept,
    test_udp.test_order_and_duplicates_are_kept,
    test_udp.test_each_client_has_one_port_upstream_of_its_own,
    test_udp.test_a_flow_ends_by_idleness_and_resumes_from_the_same_port,
    test_udp.test_a_refusal_is_told_once_and_ends_nothing,
    test_udp.test_a_name_is_looked_up_while_datagrams_wait,
    test_udp.test_a_server_that_was_not_to_be_had_is_looked_for_again,
    test_udp.test_reading_rests_while_the_store_is_congested,
    test_udp.test_another_player_reaches_the_client_as_a_flow_of_its_own,
    test_dns.test_other_names_are_forwarded_as_they_came,
    crowd,
)
ON_OUR_TRANSPORT = (
    test_last_bytes.test_what_a_server_said_before_it_hung_up_is_heard_after_a_write_has_failed,
    test_last_bytes.test_a_failed_write_behind_the_last_byte_ends_it,
)


def missing(*_: object) -> None:
    raise NotImplementedError


def _name(test: Callable[[], None]) -> str:
    return getattr(test, "__name__", "").removeprefix("test_")


@pytest.mark.parametrize("test", [*IMPORTANT, *ON_OUR_TRANSPORT], ids=_name)
def test_on_asyncios_own_loop(test: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "new_loop", asyncio.SelectorEventLoop)
    test()


@pytest.mark.parametrize("test", IMPORTANT, ids=_name)
def test_on_a_loop_without_readers(
    test: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of Windows; what asyncio itself watches it watches by private ways."""
    monkeypatch.setattr(harness, "new_loop", asyncio.SelectorEventLoop)
    for way in ("add_reader", "add_writer"):
        monkeypatch.setattr(asyncio.SelectorEventLoop, way, missing)
    monkeypatch.setattr(stream, "watches_sockets", lambda loop: False)
    test()

"""Every function of the project that we call, and by which arguments.

For `zapbase doctor`: a project whose migrations are older has most of them, and answers.
A unit test compares the list with the calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

_LISTED: Final = """
wa_borrow_lease p_session_id p_holder p_ttl
wa_claim_media p_session_id p_term p_limit p_lease p_most_bytes
wa_claim_sessions p_holder p_ttl p_capacity p_held p_state_keys
wa_device_state_keys p_after p_limit
wa_doctor
wa_end_stalled_history p_session_id p_term p_after
wa_exchange_outbox p_session_id p_term p_lineage p_results p_limit
wa_find_upload p_session_id p_term p_version
wa_finish_media p_session_id p_term p_results
wa_forget_device_state p_session_id p_term
wa_heartbeat p_holder p_version p_session_count p_figures
wa_housekeeping p_limit
wa_keep_upload p_session_id p_term p_outbox_id p_version p_upload
wa_known_sessions p_ids
wa_load_device_pages p_session_id p_term p_first p_limit
wa_load_device_state p_session_id p_term
wa_next_lookups p_session_id p_term p_limit
wa_next_number_checks p_session_id p_term p_limit
wa_orphaned_files p_limit
wa_pause_number_checks p_session_id p_term p_seconds
wa_record_event p_session_id p_term p_level p_code p_message p_details
wa_record_number_checks p_session_id p_term p_answers
wa_record_picture p_session_id p_term p_jid p_picture_id p_path
wa_release_leases p_holder p_leases
wa_renew_leases p_holder p_leases p_ttl
wa_report_session p_session_id p_term p_report
wa_reseal_device_pages p_session_id p_term p_generation p_pages p_manifest
wa_save_device_state p_session_id p_term p_generation p_manifest p_pages p_page_count p_fresh
wa_show_presence p_session_id p_term p_shown
wa_sign_off p_holder
wa_stage_device_pages p_session_id p_term p_generation p_pages p_fresh
wa_store_batch p_session_id p_term p_batch
wa_unsettled_outbox p_session_id p_term
"""
CALLS: Final = {
    name: frozenset(arguments)
    for name, *arguments in map(str.split, _LISTED.strip().splitlines())
}


def lacking(there: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The functions that a project lacks, or that do not take what we say.

    `there` names the arguments of each of its functions, as wa_doctor tells.
    """
    for name, arguments in CALLS.items():
        if name not in there or not arguments.issubset(there[name]):
            yield name

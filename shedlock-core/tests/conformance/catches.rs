//! Which cases catch which flaw.

use crate::flaw::Flaw;

/// Each flaw, and cases that catch it (others may as well).
pub(crate) const FLAWS: &[(Flaw, &[&str])] = &[
    (
        Flaw::NoExclusion,
        &[
            "never_two_inside",
            "refused_at_once",
            "one_node_asks_at_once_for_one_name",
            "a_new_name_needs_no_preparation",
        ],
    ),
    (Flaw::WaitsForTheHolder, &["refused_at_once"]),
    (
        Flaw::ReentrantPerHolder,
        &[
            "refused_at_once",
            "one_node_asks_at_once_for_one_name",
            "each_node_is_a_provider_of_its_own",
        ],
    ),
    (
        Flaw::HeldIsAnError,
        &["refused_at_once", "refusal_tells_who_and_until_when"],
    ),
    (
        Flaw::RefusalTellsNothing,
        &["refusal_tells_who_and_until_when"],
    ),
    (Flaw::RefusalExtends, &["refused_at_once"]),
    (Flaw::OneLockForAll, &["names_are_independent"]),
    (
        Flaw::FailsUnderLoad,
        &["one_node_asks_at_once_for_many_names"],
    ),
    (
        Flaw::LeakyWhenCancelled,
        &[
            "a_cancelled_acquire_leaves_nothing",
            "many_cancelled_together_leave_nothing",
        ],
    ),
    (
        Flaw::BrokenWhenCancelled,
        &[
            "a_cancelled_acquire_leaves_nothing",
            "many_cancelled_together_leave_nothing",
            "a_cancelled_extend_or_release_harms_nobody",
        ],
    ),
    (
        Flaw::NeverExpires,
        &["expires_after_at_most", "the_shortest_lease"],
    ),
    (
        Flaw::ExpiresSooner,
        &["expires_after_at_most", "the_lease_is_what_the_store_lists"],
    ),
    (Flaw::RoundsToSeconds, &["the_shortest_lease"]),
    (Flaw::CapsLeases, &["the_longest_lease"]),
    (
        Flaw::IgnoresAtLeast,
        &["at_least_outlives_the_release", "at_least_may_be_at_most"],
    ),
    (
        Flaw::AtLeastFromTheRelease,
        &["at_least_counts_from_the_acquisition"],
    ),
    (
        Flaw::ReleaseDoesNothing,
        &[
            "lock_and_release_ten_times",
            "names_are_independent",
            "the_lease_is_what_the_store_lists",
        ],
    ),
    (
        Flaw::ForgetsOnRelease,
        &["one_node_wins_a_fire_time", "tokens_grow_strictly"],
    ),
    (
        Flaw::IgnoresOwner,
        &[
            "releasing_twice_is_harmless",
            "a_past_holder_cannot_release",
            "a_past_holder_cannot_extend",
            "a_release_after_the_end_frees_nothing_twice",
            "a_lease_that_never_was_is_not_held",
        ],
    ),
    (
        Flaw::OwnerIsTheHolder,
        &[
            "a_past_holder_cannot_release",
            "a_past_holder_cannot_extend",
            "a_lease_that_never_was_is_not_held",
        ],
    ),
    (
        Flaw::ExtendsInWordsOnly,
        &[
            "extension_outlives_the_first_end",
            "extends_again_and_again",
        ],
    ),
    (
        Flaw::ExtendsFromTheEnd,
        &["extends_again_and_again", "an_extension_may_shorten"],
    ),
    (Flaw::NeverShortens, &["an_extension_may_shorten"]),
    (
        Flaw::ExtendsTheDead,
        &[
            "no_extension_after_the_end",
            "no_extension_after_the_release",
        ],
    ),
    (
        Flaw::IgnoresFireTime,
        &[
            "one_node_wins_a_fire_time",
            "a_slow_node_finds_it_ran",
            "a_run_by_hand_counts_for_its_fire_time",
        ],
    ),
    (
        Flaw::FiresEarly,
        &["too_early_tells_by_how_much", "waiting_as_told_is_enough"],
    ),
    (
        Flaw::CutsFireTimes,
        &["a_fire_time_between_two_milliseconds_is_granted_once"],
    ),
    (
        Flaw::ClaimsUpToNow,
        &[
            "a_late_run_takes_no_other_fire_time",
            "a_scheduled_lease_is_of_its_fire_time",
            "at_least_counts_from_the_fire_time",
        ],
    ),
    (
        Flaw::LeaseFromTheFireTime,
        &["a_scheduled_lease_is_of_its_fire_time"],
    ),
    (Flaw::HeldCountsAsRun, &["held_across_a_fire_time"]),
    (Flaw::HeldBeforeRan, &["a_fire_time_under_way_already_ran"]),
    (
        Flaw::RunsOnce,
        &[
            "the_next_fire_time_is_free",
            "a_run_by_hand_after_a_scheduled_one",
        ],
    ),
    (
        Flaw::TooEarlyTellsNothing,
        &["too_early_tells_by_how_much", "waiting_as_told_is_enough"],
    ),
    (Flaw::TooEarlyWrites, &["too_early_tells_by_how_much"]),
    (Flaw::NeedsPreparation, &["a_new_name_needs_no_preparation"]),
    (
        Flaw::RemembersRows,
        &["a_deleted_lock_comes_back_by_itself"],
    ),
    (Flaw::FoldsCase, &["case_is_never_a_silent_skip"]),
    (Flaw::FoldsSigns, &["strange_names_are_names"]),
    (
        Flaw::CutsNames,
        &[
            "a_name_of_65_characters_is_an_error",
            "strange_names_are_names",
        ],
    ),
    (Flaw::ListsOnePage, &["a_thousand_names"]),
    (Flaw::ListsBackwards, &["locks_are_listed_in_order_of_name"]),
    (Flaw::MigrationDropsLocks, &["many_nodes_migrate_at_once"]),
    (Flaw::ClockOfTheNode, &["nodes_agree_on_the_clock"]),
    (Flaw::OneIdForAll, &["each_node_is_a_provider_of_its_own"]),
    (Flaw::IgnoresFireTime, &["any_history"]),
];

/// What random histories meet sooner or later.
pub(crate) const MET_BY_HISTORIES: &[Flaw] = &[
    Flaw::NoExclusion,
    Flaw::ReentrantPerHolder,
    Flaw::RefusalTellsNothing,
    Flaw::RefusalExtends,
    Flaw::OneLockForAll,
    Flaw::NeverExpires,
    Flaw::ExpiresSooner,
    Flaw::IgnoresAtLeast,
    Flaw::AtLeastFromTheRelease,
    Flaw::ReleaseDoesNothing,
    Flaw::ForgetsOnRelease,
    Flaw::IgnoresOwner,
    Flaw::OwnerIsTheHolder,
    Flaw::ExtendsInWordsOnly,
    Flaw::ExtendsFromTheEnd,
    Flaw::NeverShortens,
    Flaw::ExtendsTheDead,
    Flaw::IgnoresFireTime,
    Flaw::FiresEarly,
    Flaw::ClaimsUpToNow,
    Flaw::LeaseFromTheFireTime,
    Flaw::HeldCountsAsRun,
    Flaw::HeldBeforeRan,
    Flaw::RunsOnce,
    Flaw::TooEarlyTellsNothing,
    Flaw::TooEarlyWrites,
    Flaw::RemembersRows,
];

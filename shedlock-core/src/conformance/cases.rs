use super::{Case, exclusion, faults, fire_time, histories, lifetime, names, ownership};

/// Every case.
pub fn cases() -> &'static [Case] {
    CASES
}

/// The case of this name.
pub fn case(name: &str) -> Option<&'static Case> {
    CASES.iter().find(|case| case.name == name)
}

/// Runs the conformance suite on a [`Fleet`](crate::conformance::Fleet): one `#[tokio::test]` per
/// case, named as the case.
///
/// Takes an expression that gives the fleet, evaluated for each test, where it may `.await`:
/// `conformance_suite!(MyFleet::open().await)`. With a name before it,
/// `conformance_suite!(postgres, MyFleet::open().await)`, the tests are in a module of that name,
/// so one file can hold several suites. The crate needs tokio among its dev-dependencies, with
/// `macros` and `rt-multi-thread`.
///
/// There is no way to leave a case out: a provider that fails one breaks the contract of
/// [`LockProvider`](crate::LockProvider).
#[macro_export]
macro_rules! conformance_suite {
    ($module:ident, $fleet:expr $(,)?) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;

            $crate::conformance_suite!($fleet);
        }
    };
    ($fleet:expr $(,)?) => {
        $crate::__conformance_cases! { [$crate::__conformance_tests] { $fleet } }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ({ $fleet:expr } $($theme:ident::$name:ident: $proves:literal;)*) => {
        $(
            #[doc = $proves]
            #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let fleet = $fleet;
                let case = $crate::conformance::case(stringify!($name)).expect("every case is listed");
                case.run(&fleet).await;
            }
        )*
    };
}

/// The one list of cases: [`cases`] and [`conformance_suite!`] are both made from it.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    ([$($then:tt)*] $arguments:tt) => {
        $($then)*! { $arguments
            exclusion::never_two_inside:
                "Eight tasks on four nodes are never two under one lock.";
            exclusion::refused_at_once:
                "Who finds the lock held is refused without waiting or writing, also on the node that holds it.";
            exclusion::refusal_tells_who_and_until_when:
                "A refusal tells the holder, since when and until when, and the store's clock.";
            exclusion::names_are_independent:
                "Locks of different names are held and released independently.";
            exclusion::lock_and_release_ten_times:
                "A lock can be taken, refused to others and released again and again.";
            exclusion::one_node_asks_at_once_for_one_name:
                "Of many callers on one node, one gets the lock and the others are told so.";
            exclusion::one_node_asks_at_once_for_many_names:
                "A hundred callers on one node each get the lock that they asked for.";
            lifetime::expires_after_at_most:
                "A lease ends after `at_most`, not sooner, and anybody can take the lock then.";
            lifetime::at_least_outlives_the_release:
                "A released lock stays taken until `at_least` is over, and is free then.";
            lifetime::at_least_counts_from_the_acquisition:
                "`at_least` counts from `locked_at`, not from the release.";
            lifetime::extension_outlives_the_first_end:
                "An extended lease outlives its first end.";
            lifetime::extends_again_and_again:
                "A lease can be extended many times; each sets its end, and nothing else, from the store's present time.";
            lifetime::an_extension_may_shorten:
                "An extension may also end a lease sooner.";
            lifetime::no_extension_after_the_end:
                "A lease that ended is not extended, and its lock stays free.";
            lifetime::no_extension_after_the_release:
                "A lease that was released is not extended, and its lock stays free.";
            lifetime::a_release_after_the_end_frees_nothing_twice:
                "A release that comes after the end, before or after the next holder, changes nothing for others.";
            lifetime::the_lease_is_what_the_store_lists:
                "A lease shows what the store keeps, by the store's clock: acquired, extended and released.";
            lifetime::the_shortest_lease:
                "A lease of one millisecond is one.";
            lifetime::the_longest_lease:
                "A lease of 366 days, and as long an `at_least`, are kept.";
            lifetime::at_least_may_be_at_most:
                "`at_least` can be as long as `at_most`.";
            ownership::releasing_twice_is_harmless:
                "A second release does nothing, whoever has the lock by then.";
            ownership::a_past_holder_cannot_release:
                "A run that overran its lease cannot release the next holder's, even one of the same name.";
            ownership::a_past_holder_cannot_extend:
                "A run that overran its lease cannot extend the next holder's, even one of the same name.";
            ownership::a_lease_that_never_was_is_not_held:
                "Extend and release match the name, the holder and `locked_at`.";
            ownership::tokens_grow_strictly:
                "Fencing tokens grow with every acquisition, through releases and expiries, on all nodes.";
            ownership::a_deleted_lock_comes_back_by_itself:
                "A lock that was deleted from the store is lost for its holder and can be taken again.";
            fire_time::one_node_wins_a_fire_time:
                "Of five nodes that ask for one fire time one gets it, and it stays so after the release.";
            fire_time::a_slow_node_finds_it_ran:
                "Who asks for a fire time before the last run is told that it ran, and by whom.";
            fire_time::the_next_fire_time_is_free:
                "Each next fire time can be taken, by any node.";
            fire_time::a_late_run_takes_no_other_fire_time:
                "A fire time that is taken after the next one has come leaves that one free.";
            fire_time::a_fire_time_between_two_milliseconds_is_granted_once:
                "A fire time finer than the store's time is granted once, and so is the next.";
            fire_time::a_scheduled_lease_is_of_its_fire_time:
                "`locked_at` of a scheduled lease is its fire time, and the lease lasts `at_most` from when it was taken.";
            fire_time::at_least_counts_from_the_fire_time:
                "`at_least` of a scheduled lease counts from its fire time, so a late run does not keep the next one away.";
            fire_time::held_across_a_fire_time:
                "A run that is still going at the next fire time holds the lock, and claims only its own fire time.";
            fire_time::a_fire_time_under_way_already_ran:
                "A fire time that is running now counts as run, not only as held.";
            fire_time::too_early_tells_by_how_much:
                "A fire time that the store's clock has not reached is refused with the time to wait, and nothing is written.";
            fire_time::waiting_as_told_is_enough:
                "Who waits as told gets the lock, at the fire time or later by the store's clock.";
            fire_time::a_run_by_hand_after_a_scheduled_one:
                "A request without a fire time needs the lock to be free, and nothing else.";
            fire_time::a_run_by_hand_counts_for_its_fire_time:
                "A fire time before any acquisition is over, also if that one had none.";
            names::a_new_name_needs_no_preparation:
                "Of two nodes that are the first to use a name, one gets the lock.";
            names::strange_names_are_names:
                "Quotes, patterns, SQL, Unicode and 64 characters are names, each of its own lock.";
            names::case_is_never_a_silent_skip:
                "Names that differ in case are two locks or an error, never a lock that is held for ever.";
            names::a_name_of_65_characters_is_an_error:
                "A name that does not fit into ShedLock's table is refused before any store sees it.";
            names::a_thousand_names:
                "A thousand locks are taken, listed and released.";
            names::locks_are_listed_in_order_of_name:
                "The list of locks is in order of name and shows the holders.";
            histories::any_history:
                "Whatever is asked, in whatever order, the answer is that of a reference model.";
            faults::a_cancelled_acquire_leaves_nothing:
                "An acquire whose caller is gone leaves no lock behind, whenever it went.";
            faults::many_cancelled_together_leave_nothing:
                "Many such callers at once do not take each other's answers or connections with them.";
            faults::a_cancelled_extend_or_release_harms_nobody:
                "Any call can be cancelled, and the provider works on.";
            faults::many_nodes_migrate_at_once:
                "Migrating again, by many nodes at once, changes nothing.";
            faults::nodes_agree_on_the_clock:
                "`now` is the store's clock, the same for every node.";
            faults::each_node_is_a_provider_of_its_own:
                "Two nodes of one name are two providers, and exclude each other.";
        }
    };
}

macro_rules! list {
    ({} $($theme:ident::$name:ident: $proves:literal;)*) => {
        &[$(Case {
            name: stringify!($name),
            proves: $proves,
            play: |stage| Box::pin($theme::$name(stage)),
        }),*]
    };
}

static CASES: &[Case] = __conformance_cases! { [list] {} };

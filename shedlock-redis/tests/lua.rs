//! Servers whose Lua is 5.4, not Redis's 5.1: where a number is needed, a text that looks like one
//! is an error there, and so is a fraction where a whole number is needed. A script is told so by
//! what stands before it.

#![cfg(all(feature = "cluster", feature = "sentinel", feature = "tls"))]

mod support;

use redis::cmd;
use support::nodes::Nodes;
use support::scripts::{ACQUIRE, EXTEND, LOOK, RELEASE, TAKE_BACK};

const STRICT: &str = "
    local function strict(library, names, allows)
        local checked = {}
        for _, name in ipairs(names) do
            local plain = library[name]
            checked[name] = function(...)
                for _, value in ipairs({...}) do
                    if not allows(value) then
                        error(name .. ' of ' .. type(value) .. ' ' .. value)
                    end
                end
                return plain(...)
            end
        end
        return setmetatable(checked, {__index = library})
    end
    local plain = math.floor
    local math = strict(math, {'min', 'max', 'floor', 'ceil'}, function(value)
        return type(value) == 'number'
    end)
    local string = strict(string, {'format'}, function(value)
        return type(value) ~= 'number' or value == plain(value)
    end)
";

const UUID: &str = "00000001-9f6a-4d57-8a11-2f0c9d7e6b54";
const OTHER_UUID: &str = "00000002-9f6a-4d57-8a11-2f0c9d7e6b54";
const MINUTE_US: u64 = 60_000_000;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

async fn run(nodes: &Nodes, script: &str, keys: &[String], arguments: &[&str]) -> String {
    let mut command = cmd("EVAL");
    command.arg([STRICT, script].concat()).arg(keys.len());
    let answer: redis::Value = nodes.run(command.arg(keys).arg(arguments)).await;
    format!("{answer:?}")
}

#[tokio::test]
async fn every_script_can_be_run() {
    let nodes = Nodes::new();
    let keys = [nodes.lock("job"), nodes.memory("job")];
    let acquire = async |time: &str, digits: &str, uuid: &str| {
        let value = format!("ADDED:{time}@a:{uuid}");
        let terms = format!("{MINUTE_US:016}{digits:18}{DAY_MS}");
        let answer = run(&nodes, ACQUIRE, &keys, &[&value, &terms]).await;
        let held = nodes.get(&keys[0]).await.expect(&answer);
        assert!(held.ends_with(uuid), "{answer}: {held}");
        held.trim_end_matches(uuid).to_owned()
    };
    let noon = ("2026-03-01T12:00:00.000000Z", "001772366400000000");
    let beginning = acquire(noon.0, noon.1, UUID).await;
    let lock = &keys[..1];
    run(&nodes, EXTEND, lock, &[&beginning, "1000000"]).await;
    run(&nodes, LOOK, &keys, &[]).await;
    let shortest = format!("{} {}", noon.1, u64::from(u32::MAX));
    let released = run(&nodes, RELEASE, lock, &[&beginning, &shortest]).await;
    assert!(released.contains("released"), "{released}");
    // By hand, after a run for a fire time, and what nobody has got.
    acquire("", "", OTHER_UUID).await;
    let acquisition = format!("a:{OTHER_UUID}");
    run(&nodes, TAKE_BACK, &keys, &[&acquisition, "3600000"]).await;
    assert_eq!(nodes.get(&keys[0]).await, None);
}

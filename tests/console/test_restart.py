"""What outlives a console's process, and what a shell does to its port."""

from tests.console.rig import PASSWORD, Rig

WRONG = "correct house"


def test_a_new_start_is_no_way_out_of_a_lockout(tmp_path):
    with Rig(tmp_path, {}, daemon=False) as rig:
        rig.type("\r")
        for _ in range(3):
            rig.expect("password: ")
            rig.type(WRONG + "\r")
            rig.expect("wrong password")
        rig.expect("password: ")
        rig.restart()
        rig.expect("password: ")
        rig.type(PASSWORD + "\r")
        rig.expect("too many wrong passwords: try again in ")


def test_a_shell_leads_back_to_the_prompt(tmp_path):
    with Rig(tmp_path, {}, daemon=False, options="\toption shell '1'\n") as rig:
        rig.log_in()
        rig.type("shell\r")
        rig.logged("shell started")
        rig.type("echo six$((3 + 4))\r")
        rig.expect("six7")
        rig.type("exit\r")
        rig.logged("shell ended")
        # A pseudo-terminal is not hung up, as a UART is.
        rig.expect("> ")
        rig.type("terminal\r")
        rig.expect("dumb, 80x24")

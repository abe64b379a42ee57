// Tests of Chat.

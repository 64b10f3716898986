"""The Streamlit dashboard (installed as `saedata_apps`); its pages come with the dashboard."""
